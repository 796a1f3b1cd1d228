//! Rules on `jarURI` of a session job: the operator itself downloads this jar.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::rules::Rules;
use crate::{conf::options::operator::platform, fault::Fault};

/// Where the operator downloads a jar from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JarUri {
    pub url: Url,
    /// The host name, if its addresses must be resolved and checked: none of them may be
    /// [restricted](is_restricted).
    pub host_to_resolve: Option<String>,
}

const FIELD: &str = "spec.job.jarURI";

/// Checks the URI of a jar. `operator` holds the operator's own configuration: only it decides which
/// schemes and hosts are allowed, never the options of a resource.
pub(super) fn check(rules: &mut Rules, operator: &mut Rules, text: &str) -> Option<JarUri> {
    let fault = |problem: String, remedy: &str| Fault::new(FIELD, problem, remedy).with_value(text);
    let schemes = operator.read_or_default(&platform::ARTIFACTS_ALLOWED_SCHEMES)?;
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            rules.add(fault(
                format!("it is not an absolute URI: {error}"),
                "write an absolute URI, for example https://repository.example.com/job.jar",
            ));
            return None;
        }
    };
    if !schemes.iter().any(|scheme| scheme.trim().eq_ignore_ascii_case(url.scheme())) {
        rules.add(fault(
            format!("the operator does not download jars with the scheme {}", url.scheme()),
            &format!(
                "use one of the schemes {}; to allow others, set {} in the operator's configuration",
                schemes.join(", "),
                platform::ARTIFACTS_ALLOWED_SCHEMES.key
            ),
        ));
        return None;
    }
    let restricts = operator.read_or_default(&platform::ARTIFACTS_DISALLOW_RESTRICTED_HOSTS)?;
    if !restricts || !matches!(url.scheme(), "http" | "https") {
        return Some(JarUri { url, host_to_resolve: None });
    }
    let address = match url.host() {
        Some(Host::Domain(name)) => {
            let host_to_resolve = Some(name.to_owned());
            return Some(JarUri { url, host_to_resolve });
        }
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        None => None,
    };
    match address {
        Some(address) if !is_restricted(address) => Some(JarUri { url, host_to_resolve: None }),
        Some(address) => {
            rules.add(restricted(text, address));
            None
        }
        None => {
            rules.add(fault(
                "it has no host".to_owned(),
                "add the host, for example https://repository.example.com/job.jar",
            ));
            None
        }
    }
}

fn restricted(jar_uri: &str, address: IpAddr) -> Fault {
    Fault::new(
        FIELD,
        format!("{address} is not a public address"),
        format!(
            "use a host with a public address; to allow others, set {} to false in the operator's \
             configuration",
            platform::ARTIFACTS_DISALLOW_RESTRICTED_HOSTS.key
        ),
    )
    .with_value(jar_uri)
}

/// Whether an address is not public: loopback, link-local, private, shared, multicast or
/// unspecified, or an IPv6 address that embeds such an IPv4 address.
pub fn is_restricted(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_restricted_v4(address),
        IpAddr::V6(address) => {
            is_restricted_v6(address) || embedded_v4(address).is_some_and(is_restricted_v4)
        }
    }
}

fn is_restricted_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    // Carrier-grade NAT (RFC 6598). Cloud providers use this range for their own services.
    let shared = first == 100 && (64..128).contains(&second);
    first == 0
        || shared
        || address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
}

fn is_restricted_v6(address: Ipv6Addr) -> bool {
    let [first, ..] = address.segments();
    // Site-local addresses: deprecated, but networks may still route them.
    let site_local = first & 0xffc0 == 0xfec0;
    site_local
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unicast_link_local()
        || address.is_unique_local()
}

/// The IPv4 address in an IPv4-mapped, IPv4-compatible, 6to4 or NAT64 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(v4(high, low))
        }
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public_are_restricted() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::a9fe:a9fe",
        ] {
            assert!(is_restricted(text.parse().unwrap()), "{text}");
        }
        for text in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "2002:101:101::",
        ] {
            assert!(!is_restricted(text.parse().unwrap()), "{text}");
        }
    }
}
