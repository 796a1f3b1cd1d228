//! Prints what has to be built first, and an estimate of the time.

use std::time::Duration;

/// Seconds of processor time to compile the operator.
const OPERATOR: u32 = 240;

/// Seconds of downloads, and of steps that use only one processor.
const WAITING: Duration = Duration::from_secs(40);

/// Seconds for the start of Kubernetes, the operator, a JobManager and a TaskManager.
const START: Duration = Duration::from_secs(60);

pub fn print(missing: &[(u32, String)], operator_is_built: bool) {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut parts = missing.to_vec();
    if !operator_is_built {
        parts.push((OPERATOR, "the operator, for its image".to_owned()));
    }
    println!("{}", text(&parts, processors));
}

fn text(parts: &[(u32, String)], processors: usize) -> String {
    if parts.is_empty() {
        return "Everything is built: this takes about a minute.".to_owned();
    }
    let took = estimate(parts, processors).as_secs().div_ceil(60);
    let mut text = format!(
        "This takes about {took} min on {processors} processors, if they are idle. To be built first, with the \
         seconds of one processor:\n"
    );
    for (seconds, what) in parts {
        text.push_str(&format!("{seconds:>6}  {what}\n"));
    }
    text
}

fn estimate(parts: &[(u32, String)], processors: usize) -> Duration {
    let seconds: u32 = parts.iter().map(|(seconds, _)| seconds).sum();
    let processors = u32::try_from(processors).unwrap_or(u32::MAX).max(1);
    Duration::from_secs(u64::from(seconds / processors)) + WAITING + START
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimate_is_shared_by_the_processors_and_the_parts_are_listed() {
        let parts = [(480, "Kubernetes".to_owned()), (240, "the operator".to_owned())];
        assert_eq!(estimate(&parts, 2), Duration::from_secs(460));
        assert_eq!(estimate(&parts, 8), Duration::from_secs(190));
        let text = text(&parts, 2);
        assert!(text.starts_with("This takes about 8 min on 2 processors"), "{text}");
        assert!(text.ends_with("   480  Kubernetes\n   240  the operator\n"), "{text}");
    }

    #[test]
    fn nothing_to_build_is_said() {
        assert!(text(&[], 2).contains("about a minute"));
    }
}
