//! Computes CPU and memory of a container like Flink's client.

use super::{error::BuildError, pod::MainContainer};
use crate::conf::double::double_text;

/// Requests of a container, and the factors that give its limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Resources {
    /// Cores.
    pub(super) cpu: f64,
    /// The limit is the request times this factor, which is at least 1.
    pub(super) cpu_limit_factor: f64,
    /// Mebibytes, rounded down.
    pub(super) memory_mib: u64,
    /// The limit is the request times this factor, which is at least 1.
    pub(super) memory_limit_factor: f64,
}

impl Resources {
    /// Sets requests and limits of CPU and memory. They override the template, whose other resources are
    /// kept.
    pub(super) fn write_to(self, container: &mut MainContainer) {
        let memory_limit_mib = multiply_truncating(self.memory_mib, self.memory_limit_factor);
        for (target, cpu, memory_mib) in [
            (&mut container.requests, self.cpu, self.memory_mib),
            (&mut container.limits, self.cpu * self.cpu_limit_factor, memory_limit_mib),
        ] {
            target.insert("cpu".to_owned(), double_text(cpu));
            target.insert("memory".to_owned(), format!("{memory_mib}Mi"));
        }
    }
}

/// Checks the factor of a limit.
pub(super) fn limit_factor(key: &'static str, factor: f64) -> Result<f64, BuildError> {
    if factor.is_finite() && factor >= 1.0 {
        Ok(factor)
    } else {
        Err(BuildError::LimitFactor { key, factor })
    }
}

/// Checks a number of cores.
pub(super) fn cpu_amount(key: &'static str, cores: f64) -> Result<f64, BuildError> {
    if cores.is_finite() && cores >= 0.0 { Ok(cores) } else { Err(BuildError::Cpu { key, cores }) }
}

/// Multiplies in floating point and rounds down, like Flink: 1600 times 1.33 is 2128.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole mebibytes are exact below 2^53, both operands are positive, and the cast \
              saturates where a product is beyond every real machine"
)]
fn multiply_truncating(mebibytes: u64, factor: f64) -> u64 {
    (mebibytes as f64 * factor) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(resources: Resources) -> [String; 4] {
        let mut container = MainContainer::default();
        resources.write_to(&mut container);
        let quantity = |map: &std::collections::BTreeMap<String, String>, name| map[name].clone();
        [
            quantity(&container.requests, "cpu"),
            quantity(&container.limits, "cpu"),
            quantity(&container.requests, "memory"),
            quantity(&container.limits, "memory"),
        ]
    }

    #[test]
    fn limits_are_the_request_times_the_factor_formatted_like_java() {
        let base = Resources {
            cpu: 1.0,
            cpu_limit_factor: 1.0,
            memory_mib: 1600,
            memory_limit_factor: 1.0,
        };
        let cases = [
            (base, ["1.0", "1.0", "1600Mi", "1600Mi"]),
            (Resources { cpu: 0.333_333, ..base }, ["0.333333", "0.333333", "1600Mi", "1600Mi"]),
            (
                Resources { cpu: 0.5, cpu_limit_factor: 3.0, memory_limit_factor: 1.33, ..base },
                ["0.5", "1.5", "1600Mi", "2128Mi"],
            ),
            // 0.1 * 3 is not exact in binary floating point, and Flink prints all digits.
            (
                Resources { cpu: 0.1, cpu_limit_factor: 3.0, ..base },
                ["0.1", "0.30000000000000004", "1600Mi", "1600Mi"],
            ),
            (
                Resources { memory_mib: 1023, memory_limit_factor: 1.5, ..base },
                ["1.0", "1.0", "1023Mi", "1534Mi"],
            ),
        ];
        for (resources, expected) in cases {
            assert_eq!(written(resources), expected, "{resources:?}");
        }
    }

    #[test]
    fn cpu_and_memory_of_the_template_are_overridden_and_other_resources_kept() {
        let mut container = MainContainer::default();
        container.requests.insert("cpu".to_owned(), "3".to_owned());
        container.requests.insert("memory".to_owned(), "5Gi".to_owned());
        container.requests.insert("ephemeral-storage".to_owned(), "1Gi".to_owned());
        container.limits.insert("example.com/gpu".to_owned(), "1".to_owned());
        Resources { cpu: 2.0, cpu_limit_factor: 1.0, memory_mib: 64, memory_limit_factor: 1.0 }
            .write_to(&mut container);
        assert_eq!(container.requests["cpu"], "2.0");
        assert_eq!(container.requests["memory"], "64Mi");
        assert_eq!(container.requests["ephemeral-storage"], "1Gi");
        assert_eq!(container.limits["example.com/gpu"], "1");
    }

    #[test]
    fn a_limit_below_the_request_is_refused() {
        for factor in [0.99, 0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = limit_factor("some.factor", factor).unwrap_err().to_string();
            assert!(error.contains("some.factor") && error.contains("1.0 or more"), "{error}");
        }
        assert!(limit_factor("some.factor", 1.0).is_ok());
    }

    #[test]
    fn a_negative_or_infinite_number_of_cores_is_refused() {
        for cores in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(cpu_amount("some.cpu", cores).unwrap_err().to_string().contains("some.cpu"));
        }
        assert!(cpu_amount("some.cpu", 0.0).is_ok());
    }
}
