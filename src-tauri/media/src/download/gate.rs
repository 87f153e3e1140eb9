//! A way to the network for programs that are not ours.
//!
//! Owns a small HTTP proxy on loopback, alive as long as one program runs: it opens connections only to addresses
//! that passed the guard, so that yt-dlp, whose own requests and redirects we do not see, cannot be talked into
//! reaching the inside. Leaves TLS to both ends: it sees names and addresses, never content.
//! Invariants: every connection is vetted as ours are; nobody without the token of this one run gets through.

use super::guard::{self, check_parsed, is_public, passes_freely, shown_host};
use super::{NetPolicy, base64};
use crate::MediaError;
use domain::ErrorCode;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;
use url::{Host, Url};

/// No request head is longer.
const MOST_HEAD: usize = 32 << 10;

/// The open gate; dropping it closes it and all its connections.
pub(super) struct Gate {
    address: SocketAddr,
    token: String,
    refused: Arc<Mutex<Option<MediaError>>>,
    task: AbortHandle,
}

impl Gate {
    pub(super) async fn open(policy: &NetPolicy) -> Result<Self, MediaError> {
        let fault = |e: std::io::Error| {
            MediaError::new(ErrorCode::Internal, "The program's way to the network cannot be opened.")
                .with_detail(e.to_string())
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let token = format!("{:032x}", rand::random::<u128>());
        let refused = Arc::new(Mutex::new(None));
        let door = Arc::new(Door { policy: policy.clone(), token: token.clone(), refused: refused.clone() });
        let task = tokio::spawn(async move {
            let mut visits = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let door = door.clone();
                visits.spawn(async move { door.serve(stream).await });
                while visits.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, token, refused, task: task.abort_handle() })
    }

    /// The proxy's address, token included: for the program's environment, which only its owner can read.
    pub(super) fn address(&self) -> String {
        format!("http://bobina:{}@{}", self.token, self.address)
    }

    /// The first connection that was refused.
    pub(super) fn refused(&self) -> Option<MediaError> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Door {
    policy: NetPolicy,
    token: String,
    refused: Arc<Mutex<Option<MediaError>>>,
}

/// What a visitor asks for.
struct Wish {
    url: Url,
    /// `CONNECT`: bytes pass both ways as they are.
    tunnel: bool,
    /// The request as it goes on to the server, with whatever of its body has come.
    onward: Vec<u8>,
}

impl Door {
    async fn serve(&self, mut visitor: TcpStream) {
        let Some(wish) = self.hear(&mut visitor).await else { return };
        let mut server = match self.connect(&wish.url).await {
            Ok(server) => server,
            Err(error) => {
                tracing::debug!(host = %shown_host(&wish.url), code = %error.code, "a program's connection was refused");
                let status =
                    if error.code == ErrorCode::HostBlocked { "403 Forbidden" } else { "502 Bad Gateway" };
                answer(&mut visitor, status).await;
                self.refused.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                return;
            }
        };
        let begun = if wish.tunnel {
            visitor.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await
        } else {
            server.write_all(&wish.onward).await
        };
        if begun.is_ok() {
            // Either end may break off at any time; the program at one end tells us what it got.
            let _ = copy_bidirectional(&mut visitor, &mut server).await;
        }
    }

    /// Reads a request's head; answers and drops visitors that have no business here.
    async fn hear(&self, visitor: &mut TcpStream) -> Option<Wish> {
        let mut got = Vec::new();
        let end = loop {
            if let Some(at) = super::sniff::find(&got, b"\r\n\r\n") {
                break at;
            }
            if got.len() > MOST_HEAD {
                return None;
            }
            let read = timeout(self.policy.idle_timeout, visitor.read_buf(&mut got)).await;
            if !matches!(read, Ok(Ok(1..))) {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&got[..end]).into_owned();
        if !self.is_known(&head) {
            answer(
                visitor,
                "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"bobina\"",
            )
            .await;
            return None;
        }
        let wish = wish(&head, &got[end + 4..]);
        if wish.is_none() {
            answer(visitor, "400 Bad Request").await;
        }
        wish
    }

    fn is_known(&self, head: &str) -> bool {
        let expected = format!("bobina:{}", self.token);
        head.lines().filter_map(|line| line.split_once(':')).any(|(name, value)| {
            name.eq_ignore_ascii_case("proxy-authorization")
                && value.trim().split_once(' ').and_then(|(_, v)| base64::decode(v.trim())).as_deref()
                    == Some(expected.as_bytes())
        })
    }

    /// Opens a connection to where a URL leads, if the guard lets it.
    async fn connect(&self, url: &Url) -> Result<TcpStream, MediaError> {
        let url = check_parsed(url.clone(), &self.policy)?;
        let lost =
            || MediaError::new(ErrorCode::NetworkLost, format!("No connection to {}.", shown_host(&url)));
        let port = url.port_or_known_default().ok_or_else(lost)?;
        let found: Vec<IpAddr> = match url.host() {
            Some(Host::Ipv4(ip)) => vec![ip.into()],
            Some(Host::Ipv6(ip)) => vec![ip.into()],
            Some(Host::Domain(name)) => {
                let answer = guard::system_lookup()(name.to_owned()).await.map_err(|_| lost())?;
                let open: Vec<IpAddr> = answer
                    .iter()
                    .copied()
                    .filter(|ip| passes_freely(&url, &self.policy) || is_public(*ip))
                    .collect();
                if open.is_empty() && !answer.is_empty() {
                    return Err(guard::blocked(&url));
                }
                open
            }
            None => return Err(lost()),
        };
        for ip in found {
            let patience = self.policy.connect_timeout.min(Duration::from_secs(10));
            if let Ok(Ok(stream)) = timeout(patience, TcpStream::connect((ip, port))).await {
                return Ok(stream);
            }
        }
        Err(lost())
    }
}

async fn answer(visitor: &mut TcpStream, status: &str) {
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = visitor.write_all(text.as_bytes()).await;
}

/// Reads the request line; for plain requests, makes the one that goes on to the server.
fn wish(head: &str, body: &[u8]) -> Option<Wish> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?, first.next()?);
    if method == "CONNECT" {
        let url = Url::parse(&format!("https://{target}/")).ok()?;
        return Some(Wish { url, tunnel: true, onward: Vec::new() });
    }
    let url = Url::parse(target).ok().filter(|u| u.scheme() == "http")?;
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    let mut onward = format!("{method} {}{query} HTTP/1.1\r\nConnection: close\r\n", url.path());
    for line in lines {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if !name.starts_with("proxy-") && name != "connection" {
            onward.push_str(line);
            onward.push_str("\r\n");
        }
    }
    onward.push_str("\r\n");
    let mut onward = onward.into_bytes();
    onward.extend_from_slice(body);
    Some(Wish { url, tunnel: false, onward })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn says(gate: &Gate, request: String) -> String {
        let mut stream = TcpStream::connect(gate.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut got = vec![0; 4096];
        let read = timeout(Duration::from_secs(5), stream.read(&mut got)).await.unwrap().unwrap();
        String::from_utf8_lossy(&got[..read]).into_owned()
    }

    fn key(gate: &Gate) -> String {
        // Base64 of "bobina:<token>", written here by hand.
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let text = format!("bobina:{}", gate.token);
        assert_eq!(text.len() % 3, 0);
        let sextets = text.as_bytes().chunks(3).flat_map(|c| {
            let bits = u32::from(c[0]) << 16 | u32::from(c[1]) << 8 | u32::from(c[2]);
            [18, 12, 6, 0].map(|shift| LETTERS[(bits >> shift & 63) as usize] as char)
        });
        format!("Proxy-Authorization: Basic {}\r\n", sextets.collect::<String>())
    }

    #[tokio::test]
    async fn only_vetted_addresses_and_only_with_the_token() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inside = listener.local_addr().unwrap();
        let gate = Gate::open(&NetPolicy::default()).await.unwrap();
        let key = key(&gate);
        assert!(says(&gate, format!("CONNECT {inside} HTTP/1.1\r\n\r\n")).await.contains("407"));
        for target in
            [format!("CONNECT {inside}"), format!("GET http://{inside}/x"), "CONNECT localhost:443".into()]
        {
            let said = says(&gate, format!("{target} HTTP/1.1\r\n{key}\r\n")).await;
            assert!(said.contains("403"), "{target}: {said}");
        }
        assert_eq!(gate.refused().unwrap().code, ErrorCode::HostBlocked);
        assert!(timeout(Duration::from_millis(100), listener.accept()).await.is_err(), "it was reached");

        let policy = NetPolicy { allow_hosts: vec![inside.to_string()], ..NetPolicy::default() };
        let gate = Gate::open(&policy).await.unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut got = vec![0; 4096];
            let read = stream.read(&mut got).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
            String::from_utf8_lossy(&got[..read]).into_owned()
        });
        let request =
            format!("GET http://{inside}/x?y=1 HTTP/1.1\r\nHost: h\r\n{}\r\n", super::tests::key(&gate));
        assert!(says(&gate, request).await.ends_with("ok"));
        let seen = server.await.unwrap();
        assert!(
            seen.starts_with("GET /x?y=1 HTTP/1.1\r\n") && !seen.to_lowercase().contains("proxy"),
            "{seen}"
        );
    }
}
