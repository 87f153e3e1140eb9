//! One list of segments, recorded to its end.
//!
//! Owns the order of things: many segments fetched at once, appended one after the other, a live list asked again
//! and again. Leaves single pieces to [`super::segment`] and part files to [`super::part`].
//! Invariants: segments are appended in their order, each once; memory holds no more than the pieces in flight.

use super::list::{MediaList, Segment, invalid, read_media};
use super::mend;
use super::part::Parts;
use super::segment::{AT_ONCE, Outcome, Pieces};
use crate::MediaError;
use crate::download::client::Ask;
use crate::download::guard::{shown, shown_host};
use domain::ErrorCode;
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use url::Url;

/// Playlists beyond this are none.
const MOST_TEXT: usize = 32 << 20;

/// How far all tracks of a source are, in seconds of media.
#[derive(Clone, Default)]
pub(super) struct Overall(Arc<Mutex<(f64, f64)>>);

impl Overall {
    fn add(&self, done: f64, expected: f64) -> f64 {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sums.0 += done;
        sums.1 += expected;
        if sums.1 > 0.0 { (sums.0 / sums.1).min(1.0) } else { 0.0 }
    }
}

/// What to record and where to.
pub(super) struct Track<'a> {
    pub(super) pieces: &'a Pieces,
    /// The list's address.
    pub(super) url: &'a Url,
    /// The track's own folder.
    pub(super) folder: PathBuf,
    pub(super) overall: Overall,
    /// Of downloading and joining, the part of the progress that is this.
    pub(super) share: f64,
}

/// Fetches and reads a list of segments.
pub(super) async fn load(pieces: &Pieces, url: &Url) -> Result<(MediaList, Url), MediaError> {
    let (text, from) = load_text(pieces, url).await?;
    if mend::is_master(&text) {
        return Err(invalid("A list of variants names another list of variants."));
    }
    Ok((read_media(&text, &from, pieces.client.policy())?, from))
}

pub(super) async fn load_text(pieces: &Pieces, url: &Url) -> Result<(String, Url), MediaError> {
    let (text, from) = pieces.client.text(&Ask::new(url, &pieces.headers), MOST_TEXT).await?;
    let text = text.ok_or_else(|| invalid("It is larger than 32 MiB."))?;
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with("#EXTM3U") {
        return Err(invalid(&format!("{} sent something else in its place.", shown_host(&from))));
    }
    Ok((text, from))
}

/// The state of a recording.
struct Recording<'a> {
    track: &'a Track<'a>,
    parts: Parts,
    /// Segments not yet begun, with their places in the feed.
    waiting: VecDeque<(u64, Segment)>,
    /// Fetched or passed over, not yet appended.
    ready: BTreeMap<u64, (Segment, Outcome)>,
    running: JoinSet<Result<(u64, Segment, Outcome), MediaError>>,
    /// Places given out so far.
    fed: u64,
    /// The media sequence number the feed goes on with.
    expects: Option<u64>,
    /// The next segment that is appended begins a new part.
    anew: bool,
    live: bool,
    /// Seconds of media fed.
    seconds: f64,
}

impl Track<'_> {
    /// Records the list to its end (a live one to its end, its limit, or its standstill).
    pub(super) async fn record(&self, list: MediaList) -> Result<Parts, MediaError> {
        let live = !list.ended;
        let parts = Parts::open(&self.folder, &plan(&list, self.url))?;
        self.remove_strays(live, parts.next)?;
        let mut recording = Recording {
            track: self,
            waiting: VecDeque::new(),
            ready: BTreeMap::new(),
            running: JoinSet::new(),
            fed: parts.next,
            expects: parts.next_number,
            anew: false,
            live,
            seconds: parts.seconds,
            parts,
        };
        recording.run(list).await
    }

    /// Removes files of segments that cannot be trusted any more.
    fn remove_strays(&self, live: bool, next: u64) -> Result<(), MediaError> {
        let storage = |e: std::io::Error| MediaError::storage("Reading the download's folder", &e);
        for entry in std::fs::read_dir(&self.folder).map_err(storage)? {
            let path = entry.map_err(storage)?.path();
            let name = path
                .file_stem()
                .and_then(|n| n.to_str())
                .and_then(|n| n.strip_prefix('s')?.parse::<u64>().ok());
            let stray = match path.extension().and_then(|e| e.to_str()) {
                Some("part") => true,
                Some("seg") => live || name.is_none_or(|n| n < next),
                _ => false,
            };
            if stray {
                std::fs::remove_file(&path).map_err(storage)?;
            }
        }
        Ok(())
    }

    fn segment_file(&self, place: u64) -> PathBuf {
        self.folder.join(format!("s{place:08}.seg"))
    }
}

/// What makes a list the same list tomorrow: for a finished one everything but the queries of its addresses, where
/// signatures change; for a growing one its address.
fn plan(list: &MediaList, url: &Url) -> String {
    if !list.ended {
        return format!("live {}", shown(url));
    }
    let mut hasher = blake3::Hasher::new();
    for s in &list.segments {
        let map = s.map.as_ref().map(|m| m.place());
        let line = format!(
            "{} {} {:?} {:.3} {} {} {:?} {}\n",
            s.number,
            shown(&s.url),
            s.span.map(|p| (p.offset, p.length)),
            s.seconds,
            s.discontinuity,
            s.gap,
            map,
            s.key.is_some(),
        );
        hasher.update(line.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

impl Recording<'_> {
    async fn run(&mut self, list: MediaList) -> Result<Parts, MediaError> {
        let mut target = Duration::from_secs_f64(list.target);
        let mut news = Instant::now();
        let mut poll = Instant::now() + target.max(Duration::from_millis(500));
        self.track.pieces.meter.start_at(self.track.pieces.meter.got() + self.parts.fetched);
        self.track.overall.add(self.parts.seconds, 0.0);
        let resumed = self.parts.next;
        if self.live {
            let limit = self.track.pieces.client.policy().max_live_seconds as f64;
            self.track.overall.add(0.0, limit);
            self.feed(list.segments);
        } else {
            self.track.overall.add(0.0, list.segments.iter().map(|s| s.seconds).sum());
            self.fed = 0;
            for segment in list.segments {
                if self.fed >= resumed {
                    self.waiting.push_back((self.fed, segment));
                }
                self.fed += 1;
            }
        }
        loop {
            self.begin_more();
            tokio::select! {
                Some(done) = self.running.join_next() => {
                    let (place, segment, outcome) =
                        done.map_err(|e| MediaError::new(ErrorCode::Internal, format!("A download task ended: {e}.")))??;
                    self.ready.insert(place, (segment, outcome));
                    self.append_ready().await?;
                }
                () = sleep_until(poll), if self.live => {
                    let asked = Instant::now();
                    let brought = self.poll(&mut target).await?;
                    if brought {
                        news = Instant::now();
                    }
                    let stall = self.track.pieces.client.policy().live_stall.max(target * 3);
                    if self.live && asked - news > stall {
                        tracing::info!(list = %shown(self.track.url), "live list stands still; taken as ended");
                        self.live = false;
                    }
                    // RFC 8216, 6.3.4: a target duration after news, half of one after none.
                    let pause = if brought { target } else { target / 2 };
                    poll = asked + pause.max(Duration::from_millis(300));
                }
                else => break,
            }
        }
        if self.parts.parts.is_empty() {
            return Err(invalid("None of its segments holds media."));
        }
        Ok(std::mem::take(&mut self.parts))
    }

    /// Asks a live list again; whether it brought anything.
    async fn poll(&mut self, target: &mut Duration) -> Result<bool, MediaError> {
        match load(self.track.pieces, self.track.url).await {
            Ok((list, _)) => {
                *target = Duration::from_secs_f64(list.target);
                let ended = list.ended;
                let before = self.fed;
                self.feed(list.segments);
                if ended {
                    self.live = false;
                }
                Ok(self.fed > before)
            }
            // A list that is gone is a stream that is over; one that fails may come back before the standstill.
            Err(error) if error.code == ErrorCode::UrlNotFound => {
                self.live = false;
                Ok(false)
            }
            Err(error)
                if matches!(
                    error.code,
                    ErrorCode::NetworkLost
                        | ErrorCode::NetworkTimeout
                        | ErrorCode::ServerFault
                        | ErrorCode::RateLimited
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes what is new in a live list.
    fn feed(&mut self, segments: Vec<Segment>) {
        let limit = self.track.pieces.client.policy().max_live_seconds as f64;
        let Some(last) = segments.last().map(|s| s.number) else { return };
        // Numbers far behind ours: the stream was started anew. A little behind: an old copy of the list.
        let restarted = self.expects.is_some_and(|e| last + 2 * segments.len() as u64 + 10 < e);
        if restarted {
            self.expects = None;
        }
        for (place, mut segment) in segments.into_iter().enumerate() {
            if self.expects.is_some_and(|e| segment.number < e) {
                continue;
            }
            if self.seconds >= limit {
                self.live = false;
                return;
            }
            segment.discontinuity |= restarted && place == 0;
            self.expects = Some(segment.number + 1);
            self.seconds += segment.seconds;
            self.waiting.push_back((self.fed, segment));
            self.fed += 1;
        }
        if self.seconds >= limit {
            self.live = false;
        }
    }

    fn begin_more(&mut self) {
        while self.running.len() < AT_ONCE {
            let Some((place, segment)) = self.waiting.pop_front() else { return };
            let pieces = self.track.pieces.clone();
            let file = self.track.segment_file(place);
            let live = self.live;
            self.running.spawn(async move {
                if segment.gap {
                    return Ok((place, segment, Outcome::Missing));
                }
                if let Some(map) = &segment.map {
                    pieces.map(map).await?;
                }
                if file.is_file() {
                    // Whole since an earlier try, for it bears its name.
                    return Ok((place, segment, Outcome::Got));
                }
                let outcome = pieces.segment(&segment, &file).await?;
                if outcome == Outcome::Missing && !live {
                    let says = format!(
                        "{} has lost segment {} of the video.",
                        shown_host(&segment.url),
                        segment.number
                    );
                    return Err(
                        MediaError::new(ErrorCode::UrlNotFound, says).with_detail(shown(&segment.url))
                    );
                }
                Ok((place, segment, outcome))
            });
        }
    }

    /// Appends whatever is next in order.
    async fn append_ready(&mut self) -> Result<(), MediaError> {
        let mut batch = Vec::new();
        while let Some((segment, outcome)) = self.ready.remove(&(self.parts.next + batch.len() as u64)) {
            let map = match (&segment.map, outcome) {
                (Some(map), Outcome::Got) => Some(self.track.pieces.map(map).await?),
                _ => None,
            };
            batch.push((segment, outcome, map));
        }
        if batch.is_empty() {
            return Ok(());
        }
        let folder = self.track.folder.clone();
        let mut parts = std::mem::take(&mut self.parts);
        let mut anew = self.anew;
        let first = parts.next;
        let work = move || -> Result<(Parts, bool, f64), MediaError> {
            let before = parts.seconds;
            for (place, (segment, outcome, map)) in (first..).zip(&batch) {
                anew |= segment.discontinuity;
                if *outcome == Outcome::Got {
                    let file = folder.join(format!("s{place:08}.seg"));
                    parts.append(&folder, segment, &file, map.as_ref(), anew)?;
                    anew = false;
                }
                parts.next = place + 1;
                parts.next_number = Some(segment.number + 1);
            }
            parts.save(&folder)?;
            remove(&folder, first, parts.next);
            let seconds = parts.seconds - before;
            Ok((parts, anew, seconds))
        };
        let done = tokio::task::spawn_blocking(work).await;
        let (parts, anew, seconds) =
            done.map_err(|e| MediaError::new(ErrorCode::Internal, format!("Joining segments ended: {e}.")))??;
        (self.parts, self.anew) = (parts, anew);
        let fraction = self.track.overall.add(seconds, 0.0);
        self.track.pieces.meter.done(fraction * self.track.share);
        Ok(())
    }
}

/// Segments that the note claims are in their part; what cannot be removed now is removed as a stray later.
fn remove(folder: &Path, from: u64, to: u64) {
    for place in from..to {
        let _ = std::fs::remove_file(folder.join(format!("s{place:08}.seg")));
    }
}
