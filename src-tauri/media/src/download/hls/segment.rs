//! Fetching the pieces: segments, keys, maps.
//!
//! Owns retries of single pieces, decryption, and the cutting of byte ranges. Leaves order and joining to
//! [`super::track`].
//! Invariant: a segment's file appears under its name only when it is whole and decrypted.

use super::list::{KeyUse, MapUse, Segment, Span, invalid, protected};
use crate::MediaError;
use crate::download::client::{Ask, Client};
use crate::download::direct::content_range;
use crate::download::guard::{shown, shown_host};
use crate::download::headers::SourceHeaders;
use crate::download::meter::Meter;
use crate::download::sniff::find;
use aes::cipher::{Array, BlockModeDecrypt, KeyIvInit};
use bytes::Bytes;
use domain::ErrorCode;
use http::header::RANGE;
use std::collections::HashMap;
use std::hash::Hash;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio::sync::{OnceCell, Semaphore};
use url::Url;

/// How many pieces are fetched at once, over all tracks of a source.
pub(super) const AT_ONCE: usize = 16;
/// How long to wait before each further try of one piece.
const PAUSES_MS: &[u64] = &[200, 500, 1000, 2000, 4000];
/// A limit of requests that ends this soon is waited out in place.
const SHORT_LIMIT: Duration = Duration::from_secs(5);
/// No initialisation section is larger.
const MOST_MAP: usize = 16 << 20;

/// What fetching needs, shared by all pieces of one source. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pieces {
    pub(super) client: Client,
    pub(super) headers: Arc<SourceHeaders>,
    pub(super) meter: Meter,
    permits: Arc<Semaphore>,
    keys: Arc<Once<Url, [u8; 16]>>,
    maps: Arc<Once<MapUse, Bytes>>,
}

/// What became of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Got,
    /// Gone from the server (404, 410), which a live window may excuse.
    Missing,
}

/// Values fetched once and kept for the length of one download, in memory only.
struct Once<K, V>(Mutex<HashMap<K, Arc<OnceCell<V>>>>);

impl<K: Eq + Hash + Clone, V: Clone> Once<K, V> {
    fn cell(&self, key: &K) -> Arc<OnceCell<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default().clone()
    }
}

impl Pieces {
    pub(super) fn new(client: Client, headers: SourceHeaders, meter: Meter) -> Self {
        Self {
            client,
            headers: Arc::new(headers),
            meter,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            keys: Arc::new(Once(Mutex::default())),
            maps: Arc::new(Once(Mutex::default())),
        }
    }

    /// Fetches a segment into `to`, decrypted.
    pub(super) async fn segment(&self, segment: &Segment, to: &Path) -> Result<Outcome, MediaError> {
        let _permit = self.permits.acquire().await;
        let mut decryptor = None;
        if let Some(key) = &segment.key {
            let iv = key.iv.unwrap_or_else(|| u128::from(segment.number).to_be_bytes());
            decryptor = Some((self.key(key).await?, iv));
        }
        let temporary = to.with_extension("part");
        let fetched = again(|| self.save(&segment.url, segment.span, decryptor, &temporary)).await;
        match fetched {
            Ok(()) => {
                let named = tokio::fs::rename(&temporary, to).await;
                named.map_err(|e| MediaError::storage("Saving a segment", &e)).map(|()| Outcome::Got)
            }
            Err(error) if error.code == ErrorCode::UrlNotFound => Ok(Outcome::Missing),
            Err(error) => Err(error),
        }
    }

    /// The initialisation section, fetched once.
    pub(super) async fn map(&self, map: &MapUse) -> Result<Bytes, MediaError> {
        let cell = self.maps.cell(map);
        let fetched = cell.get_or_try_init(|| async {
            let mut bytes = again(|| self.small(&map.url, map.span, MOST_MAP)).await?;
            if let (Some(key), false) = (&map.key, is_box(&bytes)) {
                let iv = key.iv.ok_or_else(|| invalid("An encrypted initialisation section has no IV."))?;
                let mut clear = Decryptor::new(self.key(key).await?, iv);
                bytes = [clear.add(&bytes), clear.end()?].concat();
            }
            if find(&bytes, b"encv").or_else(|| find(&bytes, b"enca")).is_some() {
                return Err(protected("common encryption"));
            }
            Ok(Bytes::from(bytes))
        });
        fetched.await.cloned()
    }

    async fn key(&self, key: &KeyUse) -> Result<[u8; 16], MediaError> {
        let cell = self.keys.cell(&key.url);
        let fetched = cell.get_or_try_init(|| async {
            let bytes = again(|| self.small(&key.url, None, 4096)).await?;
            <[u8; 16]>::try_from(bytes.as_slice()).map_err(|_| {
                invalid(&format!("{} sent {} bytes where a key has 16.", shown_host(&key.url), bytes.len()))
            })
        });
        fetched.await.copied()
    }

    /// One small thing, kept in memory.
    async fn small(&self, url: &Url, span: Option<Span>, most: usize) -> Result<Vec<u8>, MediaError> {
        let mut got = Vec::new();
        let mut body = Body::open(self, url, span).await?;
        while let Some(piece) = body.next().await? {
            if got.len() + piece.len() > most {
                return Err(invalid(&format!(
                    "{} sent a key or map that is far too large.",
                    shown_host(url)
                )));
            }
            got.extend_from_slice(&piece);
        }
        Ok(got)
    }

    async fn save(
        &self,
        url: &Url,
        span: Option<Span>,
        key: Option<([u8; 16], [u8; 16])>,
        to: &Path,
    ) -> Result<(), MediaError> {
        let storage = |e: std::io::Error| MediaError::storage("Saving a segment", &e);
        let mut body = Body::open(self, url, span).await?;
        let mut decryptor = key.map(|(key, iv)| Decryptor::new(key, iv));
        let file = tokio::fs::File::create(to).await.map_err(storage)?;
        let mut file = BufWriter::with_capacity(256 << 10, file);
        let mut counted = 0;
        let result = async {
            while let Some(piece) = body.next().await? {
                counted += piece.len() as u64;
                self.meter.count(piece.len())?;
                match &mut decryptor {
                    Some(decryptor) => file.write_all(&decryptor.add(&piece)).await,
                    None => file.write_all(&piece).await,
                }
                .map_err(storage)?;
            }
            if let Some(decryptor) = &mut decryptor {
                file.write_all(&decryptor.end()?).await.map_err(storage)?;
            }
            file.flush().await.map_err(storage)
        }
        .await;
        if result.is_err() {
            self.meter.uncount(counted);
        }
        result
    }
}

/// Tries a piece several times; what will not change is told at once, but a missing piece gets two more chances,
/// for content networks copy them late.
async fn again<T, F: Future<Output = Result<T, MediaError>>>(work: impl Fn() -> F) -> Result<T, MediaError> {
    let mut tries = 0;
    loop {
        let error = match work().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let allowed = match error.code {
            ErrorCode::NetworkLost | ErrorCode::ServerFault => PAUSES_MS.len(),
            ErrorCode::NetworkTimeout | ErrorCode::UrlNotFound => 2,
            ErrorCode::RateLimited if error.retry_after.is_none_or(|after| after <= SHORT_LIMIT) => 3,
            _ => 0,
        };
        if tries >= allowed {
            return Err(error);
        }
        let pause = error.retry_after.unwrap_or(Duration::from_millis(PAUSES_MS[tries]));
        tokio::time::sleep(pause).await;
        tries += 1;
    }
}

/// The bytes of one piece: the span asked for, whether or not the server knows ranges.
struct Body {
    answer: crate::download::Answer,
    /// Bytes before the span in an answer that holds the whole file.
    skip: u64,
    /// Bytes of the span still to come.
    left: Option<u64>,
}

impl Body {
    async fn open(pieces: &Pieces, url: &Url, span: Option<Span>) -> Result<Self, MediaError> {
        let Some(span) = span else {
            let answer = pieces.client.get(&Ask::new(url, &pieces.headers)).await?;
            return Ok(Self { answer, skip: 0, left: None });
        };
        let range = format!("bytes={}-{}", span.offset, span.offset + span.length - 1);
        let answer = pieces.client.get(&Ask::new(url, &pieces.headers).unpacked().with(RANGE, range)).await?;
        let partial = answer.status().as_u16() == 206;
        let starts =
            answer.header(http::header::CONTENT_RANGE).and_then(content_range).map(|(start, _)| start);
        if partial && starts != Some(span.offset) {
            return Err(MediaError::new(
                ErrorCode::ServerFault,
                format!("{} sent another part of the file than was asked for.", shown_host(url)),
            ));
        }
        Ok(Self { answer, skip: if partial { 0 } else { span.offset }, left: Some(span.length) })
    }

    async fn next(&mut self) -> Result<Option<Bytes>, MediaError> {
        loop {
            if self.left == Some(0) {
                return Ok(None);
            }
            let Some(mut piece) = self.answer.next().await? else {
                return match self.left {
                    None => Ok(None),
                    Some(left) => Err(MediaError::new(
                        ErrorCode::ServerFault,
                        format!("A segment ended {left} bytes too early."),
                    )
                    .with_detail(shown(&self.answer.url))),
                };
            };
            let skip = usize::try_from(self.skip).unwrap_or(usize::MAX).min(piece.len());
            self.skip -= skip as u64;
            piece = piece.split_off(skip);
            if let Some(left) = self.left {
                piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                self.left = Some(left - piece.len() as u64);
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }
}

/// Whether bytes begin with an ISO media box, so are not encrypted.
fn is_box(bytes: &[u8]) -> bool {
    bytes.get(4..8).is_some_and(|kind| [&b"ftyp"[..], b"moov", b"styp", b"sidx", b"free"].contains(&kind))
}

/// AES-128-CBC with PKCS#7 padding (RFC 8216, 4.3.2.4), a piece at a time.
struct Decryptor {
    cipher: cbc::Decryptor<aes::Aes128>,
    /// Bytes not yet decrypted: at least the last block stays here, for it holds the padding.
    rest: Vec<u8>,
}

impl Decryptor {
    fn new(key: [u8; 16], iv: [u8; 16]) -> Self {
        Self { cipher: cbc::Decryptor::new(&key.into(), &iv.into()), rest: Vec::new() }
    }

    fn add(&mut self, piece: &[u8]) -> Vec<u8> {
        self.rest.extend_from_slice(piece);
        let ready = self.rest.len().saturating_sub(1) / 16 * 16;
        let held = self.rest.split_off(ready);
        let mut blocks = std::mem::replace(&mut self.rest, held);
        self.decrypt(&mut blocks);
        blocks
    }

    /// The last block without its padding. Some packagers forget the padding: then the block stays as it is.
    fn end(&mut self) -> Result<Vec<u8>, MediaError> {
        let mut last = std::mem::take(&mut self.rest);
        if last.is_empty() {
            return Ok(last);
        }
        if last.len() != 16 {
            return Err(MediaError::new(ErrorCode::ServerFault, "An encrypted segment was cut short."));
        }
        self.decrypt(&mut last);
        let padding = usize::from(last[15]);
        if (1..=16).contains(&padding) && last[16 - padding..].iter().all(|b| usize::from(*b) == padding) {
            last.truncate(16 - padding);
        }
        Ok(last)
    }

    fn decrypt(&mut self, bytes: &mut [u8]) {
        let (blocks, _) = Array::slice_as_chunks_mut(bytes);
        self.cipher.decrypt_blocks(blocks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes::cipher::BlockModeEncrypt;
    use aes::cipher::block_padding::Pkcs7;

    #[test]
    fn pieces_of_any_size_decrypt_to_the_same() {
        let (key, iv) = ([7; 16], [9; 16]);
        for length in [0usize, 1, 15, 16, 17, 4096, 5000] {
            let plain: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let cipher = cbc::Encryptor::<aes::Aes128>::new(&key.into(), &iv.into());
            let packed = cipher.encrypt_padded_vec::<Pkcs7>(&plain);
            for step in [1, 7, 16, 33, 10_000] {
                let mut decryptor = Decryptor::new(key, iv);
                let mut got: Vec<u8> = packed.chunks(step).flat_map(|piece| decryptor.add(piece)).collect();
                got.extend(decryptor.end().unwrap());
                assert_eq!(got, plain, "{length} bytes by {step}");
            }
        }
        let mut cut = Decryptor::new(key, iv);
        cut.add(&[0; 20]);
        assert_eq!(cut.end().unwrap_err().code, ErrorCode::ServerFault);
    }
}
