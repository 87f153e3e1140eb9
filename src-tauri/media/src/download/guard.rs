//! Which addresses may be reached.
//!
//! Owns the check of a URL's text ([`check_url`]) and of every address a name resolves to ([`VettingResolver`]).
//! Leaves redirects to [`super::client`], which calls [`check_url`] for each hop.
//! Invariant: a connection is opened only to an address that passed here, so a name that answers with a public
//! address first and a private one later gains nothing.

use super::NetPolicy;
use crate::MediaError;
use domain::ErrorCode;
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use url::{Host, Url};

/// Longer addresses are no addresses.
const MAX_URL: usize = 8 * 1024;

/// Ports of services that are not the web and that a crafted request could talk into something
/// (the list of the WHATWG Fetch standard, "bad port").
const FOREIGN_PORTS: &[u16] = &[
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
    109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515,
    526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049,
    3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080, 11211,
];

/// Reads and checks an address: http or https, a host, no user name in it, no literal address of a private range
/// in whatever notation, no port of another service. Names are checked again where they resolve.
///
/// Errors: `URL_INVALID`, `URL_SCHEME_UNSUPPORTED`, `HOST_BLOCKED`.
pub fn check_url(text: &str, policy: &NetPolicy) -> Result<Url, MediaError> {
    let text = text.trim();
    if text.len() > MAX_URL {
        return Err(MediaError::new(ErrorCode::UrlInvalid, "The address is longer than 8 KiB."));
    }
    let url = Url::parse(text).map_err(|e| {
        MediaError::new(ErrorCode::UrlInvalid, format!("This is not a web address: {e}."))
            .with_detail(text.chars().take(200).collect::<String>())
    })?;
    check_parsed(url, policy)
}

/// The same for an address that was put together from parts, such as a line of a playlist.
pub(super) fn check_parsed(mut url: Url, policy: &NetPolicy) -> Result<Url, MediaError> {
    if !matches!(url.scheme(), "http" | "https") {
        let scheme = url.scheme();
        return Err(MediaError::new(
            ErrorCode::UrlSchemeUnsupported,
            format!("Only http and https addresses are fetched, not {scheme}:."),
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(MediaError::new(
            ErrorCode::UrlInvalid,
            "The address holds a user name or password; give them as an Authorization header.",
        ));
    }
    url.set_fragment(None);
    if is_allowed(&url, policy) {
        return Ok(url);
    }
    if url.port().is_some_and(|port| FOREIGN_PORTS.contains(&port)) {
        return Err(blocked(&url));
    }
    if names_host(&url, policy) {
        return Ok(url);
    }
    let open = match url.host() {
        Some(Host::Ipv4(ip)) => is_public(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_public(IpAddr::V6(ip)),
        Some(Host::Domain(name)) => !is_local_name(name),
        None => return Err(MediaError::new(ErrorCode::UrlInvalid, "The address names no host.")),
    };
    if open { Ok(url) } else { Err(blocked(&url)) }
}

/// The refusal of a host, naming it and the way out.
pub(super) fn blocked(url: &Url) -> MediaError {
    let host = shown_host(url);
    MediaError::new(
        ErrorCode::HostBlocked,
        format!("{host} lies in a private or reserved network; allow this host if you trust it."),
    )
}

/// Host and, where it is not the scheme's own, port.
pub(super) fn shown_host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The address without its query, which may hold keys: for messages and logs.
pub(super) fn shown(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), shown_host(url), url.path())
}

/// Whether the user let this host through, by itself or with this very port.
pub(super) fn passes_freely(url: &Url, policy: &NetPolicy) -> bool {
    is_allowed(url, policy) || names_host(url, policy)
}

/// An entry with a port names exactly this host and port.
fn is_allowed(url: &Url, policy: &NetPolicy) -> bool {
    entries(policy)
        .any(|(host, port)| port.is_some() && port == url.port_or_known_default() && same(&host, url))
}

/// An entry without a port names this host.
fn names_host(url: &Url, policy: &NetPolicy) -> bool {
    entries(policy).any(|(host, port)| port.is_none() && same(&host, url))
}

fn same(host: &Host<String>, url: &Url) -> bool {
    match (host, url.host()) {
        (Host::Domain(a), Some(Host::Domain(b))) => a.trim_end_matches('.') == b.trim_end_matches('.'),
        (Host::Ipv4(a), Some(Host::Ipv4(b))) => *a == b,
        (Host::Ipv6(a), Some(Host::Ipv6(b))) => *a == b,
        _ => false,
    }
}

/// The allowed hosts, read as the URL standard reads hosts, so that `0x7f.1` and `127.0.0.1` are one.
fn entries(policy: &NetPolicy) -> impl Iterator<Item = (Host<String>, Option<u16>)> + '_ {
    policy.allow_hosts.iter().filter_map(|entry| {
        let entry = entry.trim();
        let bare_ipv6 = entry.parse::<Ipv6Addr>().is_ok();
        let text = if bare_ipv6 { format!("[{entry}]") } else { entry.to_owned() };
        // A scheme without a default port, so that ":80" is kept apart from no port.
        let url = Url::parse(&format!("host://{text}")).ok()?;
        let port = url.port();
        let host = Url::parse(&format!("http://{}", url.host_str()?)).ok()?;
        Some((host.host()?.to_owned(), port))
    })
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || [".localhost", ".local", ".internal", ".home.arpa"].iter().any(|suffix| name.ends_with(suffix))
}

/// Whether an address belongs to the public internet: not to this machine, this network, a carrier's network, a
/// multicast group, a documentation, benchmark or transition range, nor to a cloud's metadata service.
/// Ranges: IANA special-purpose address registries for IPv4 and IPv6.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    // Azure's host service answers on a public-looking address.
    let azure_wire_server = Ipv4Addr::new(168, 63, 129, 16);
    !(a == 0
        || a == 10
        || a == 127
        || (a == 100 && (64..128).contains(&b))
        || (a == 169 && b == 254)
        || (a == 172 && (16..32).contains(&b))
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 192 && b == 168)
        || (a == 198 && (b == 18 || b == 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224
        || ip == azure_wire_server)
}

/// Only global unicast (2000::/3) without its special parts. IPv4-mapped, NAT64, unique local, link-local, multicast
/// and loopback addresses all lie outside of it.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    let global = s[0] & 0xe000 == 0x2000;
    // 2001::/23 holds Teredo, benchmarking and ORCHID; 2002::/16 is 6to4.
    let special = (s[0] == 0x2001 && (s[1] < 0x200 || s[1] == 0xdb8))
        || s[0] == 0x2002
        || (s[0] == 0x3fff && s[1] < 0x1000);
    global && !special
}

/// A name led only to addresses that may not be reached.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to a private or reserved address")]
pub(super) struct BlockedName;

/// Asks for the addresses of a name.
pub(super) type Lookup =
    Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The system's own resolver.
pub(super) fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|a| a.ip()).collect()) })
    })
}

/// Resolves names and hands on public addresses only.
#[derive(Clone)]
pub(super) struct VettingResolver {
    lookup: Lookup,
    /// `false` for hosts the user allowed: their addresses pass as they are.
    vet: bool,
}

impl VettingResolver {
    pub(super) fn new(lookup: Lookup, vet: bool) -> Self {
        Self { lookup, vet }
    }
}

impl Resolve for VettingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let answer = (self.lookup)(name.as_str().to_owned());
        let vet = self.vet;
        Box::pin(async move {
            let mut found = answer.await?;
            let any = !found.is_empty();
            if vet {
                found.retain(|ip| is_public(*ip));
            }
            if found.is_empty() {
                return Err(match any {
                    true => Box::new(BlockedName) as Box<dyn std::error::Error + Send + Sync>,
                    false => "the name has no address".into(),
                });
            }
            Ok(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(url: &str, allow: &[&str]) -> Result<String, ErrorCode> {
        let policy = NetPolicy {
            allow_hosts: allow.iter().map(ToString::to_string).collect(),
            ..NetPolicy::default()
        };
        check_url(url, &policy).map(|u| u.to_string()).map_err(|e| e.code)
    }

    #[test]
    fn literal_addresses_of_private_ranges_are_blocked_in_every_notation() {
        for url in [
            "http://127.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://127.0.0.1./",
            "http://①②⑦.0.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://0.0.0.0/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[64:ff9b:1::1]/",
            "http://[2002:7f00:1::]/",
            "http://[2001:0:1::1]/",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "http://[ff02::1]/",
            "http://100.64.0.1/",
            "http://100.100.100.200/latest/meta-data",
            "http://169.254.169.254/latest/meta-data",
            "http://168.63.129.16/",
            "http://192.0.0.192/",
            "http://198.18.0.1/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://10.0.0.1/",
            "http://172.31.0.1/",
            "http://192.168.0.1/",
            "http://localhost/",
            "http://localhost./",
            "http://LOCALHOST/",
            "http://a.localhost/",
            "http://metadata.google.internal/",
            "http://printer.local/",
            "http://example.com:22/",
            "http://example.com:25/",
            "https://example.com:6379/",
        ] {
            assert_eq!(code(url, &[]), Err(ErrorCode::HostBlocked), "{url}");
        }
    }

    #[test]
    fn tricks_in_the_text_are_refused() {
        for url in [
            "http://[fe80::1%25eth0]/",
            "http://example.com@127.0.0.1/",
            "http://127.0.0.1@example.com/",
            "http://user:secret@example.com/",
            "http://",
            "http:///",
            "nothing",
            "",
            "http://exa mple.com/",
            "http://256.256.256.256/",
        ] {
            assert!(
                matches!(code(url, &[]), Err(ErrorCode::UrlInvalid | ErrorCode::HostBlocked)),
                "{url}: {:?}",
                code(url, &[])
            );
        }
        for url in
            ["file:///etc/passwd", "ftp://example.com/", "data:text/plain,x", "concat:http://a|b", "C:\\x"]
        {
            assert_eq!(code(url, &[]), Err(ErrorCode::UrlSchemeUnsupported), "{url}");
        }
    }

    #[test]
    fn public_addresses_pass_without_their_fragment() {
        assert_eq!(code("https://example.com/a?b#c", &[]), Ok("https://example.com/a?b".into()));
        assert_eq!(code(" http://93.184.216.34:8080/ ", &[]), Ok("http://93.184.216.34:8080/".into()));
        assert!(code("http://[2606:4700::1111]/", &[]).is_ok());
    }

    #[test]
    fn allowed_hosts_pass_by_name_and_by_port() {
        assert!(code("http://127.0.0.1:8080/", &["127.0.0.1"]).is_ok());
        assert!(code("http://127.0.0.1:8080/", &["127.0.0.1:8080"]).is_ok());
        assert!(code("http://127.0.0.1/", &["127.0.0.1:80"]).is_ok());
        assert_eq!(code("http://127.0.0.1:9090/", &["127.0.0.1:8080"]), Err(ErrorCode::HostBlocked));
        assert_eq!(code("http://127.0.0.1:22/", &["127.0.0.1"]), Err(ErrorCode::HostBlocked));
        assert!(code("http://127.0.0.1:22/", &["127.0.0.1:22"]).is_ok());
        assert!(code("http://[::1]:8080/", &["::1"]).is_ok());
        assert!(code("http://[::1]:8080/", &["[::1]:8080"]).is_ok());
        assert!(code("http://nas.local/", &["NAS.local"]).is_ok());
        assert_eq!(code("http://evil.local/", &["nas.local"]), Err(ErrorCode::HostBlocked));
        assert_eq!(code("http://127.0.0.1/", &["localhost"]), Err(ErrorCode::HostBlocked));
    }

    #[tokio::test]
    async fn names_keep_only_their_public_addresses() {
        let answer = |ips: &'static [&'static str]| -> Lookup {
            Arc::new(move |_| Box::pin(async move { Ok(ips.iter().map(|i| i.parse().unwrap()).collect()) }))
        };
        let ask = |lookup: Lookup, vet: bool| async move {
            let found = VettingResolver::new(lookup, vet).resolve("name.example".parse().unwrap()).await;
            found.map(|a| a.map(|s| s.ip().to_string()).collect::<Vec<_>>())
        };
        assert_eq!(ask(answer(&["10.0.0.1", "93.184.216.34"]), true).await.unwrap(), ["93.184.216.34"]);
        assert!(ask(answer(&["127.0.0.1", "::1"]), true).await.unwrap_err().is::<BlockedName>());
        assert!(!ask(answer(&[]), true).await.unwrap_err().is::<BlockedName>());
        assert_eq!(ask(answer(&["127.0.0.1"]), false).await.unwrap(), ["127.0.0.1"]);
    }
}
