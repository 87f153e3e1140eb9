//! Which ready job is next: priority with ageing, and round robin over batches.
//!
//! Owns the order, as pure functions over values; leaves reading the lines to its caller.
//! Invariant: no clock and no randomness; the same input gives the same order.
//!
//! Within one lane and priority, jobs stand in a line by *turn*. Turns are the start tags of start-time fair queueing
//! (Goyal, Vin, Cheng 1997) with every job of the same size: a batch takes one turn after the other, from the turn
//! that is being served when its job becomes ready. Two batches so take turns, and a single job never waits for more
//! than one job of each batch. Between priorities the one whose head is most urgent goes first.

use std::collections::HashMap;

/// Having waited this long is worth one step of priority, in milliseconds.
/// A low job so passes every urgent one that came 90 minutes after it.
pub const AGEING_MS: i64 = 30 * 60 * 1000;

/// Priorities, from low (0) to urgent (3).
pub const RANKS: usize = 4;

/// How urgent a job is: its priority, and what it has waited. A clock that went back counts as no waiting.
pub fn urgency(rank: i64, waited_ms: i64) -> i64 {
    (rank * AGEING_MS).saturating_add(waited_ms.max(0))
}

/// A job in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    pub job_id: i64,
    pub rank: i64,
    pub turn: i64,
    pub seat: i64,
    /// Since when it may be claimed.
    pub ready_at: i64,
    pub mutex: Option<String>,
}

/// Where reading a line goes on.
pub type After = (i64, i64, i64);

/// Takes up to `free` jobs of a lane in their order, leaving out those that `accept` refuses.
///
/// `page` gives the next jobs of the line of one priority, after a place; an empty page is its end.
pub fn pick<E>(
    now: i64,
    free: usize,
    mut page: impl FnMut(i64, Option<After>) -> Result<Vec<Ready>, E>,
    mut accept: impl FnMut(&Ready) -> bool,
) -> Result<Vec<Ready>, E> {
    let mut lines: Vec<Line> = (0..RANKS as i64).map(Line::new).collect();
    let mut picked = Vec::new();
    while picked.len() < free {
        let mut best: Option<(usize, i64)> = None;
        for (index, line) in lines.iter_mut().enumerate().rev() {
            if let Some(head) = line.head(&mut page)? {
                let urgency = urgency(head.rank, now.saturating_sub(head.ready_at));
                // Highest priority comes first here, so that it wins a tie.
                if best.is_none_or(|(_, top)| urgency > top) {
                    best = Some((index, urgency));
                }
            }
        }
        let Some((index, _)) = best else { break };
        if let Some(job) = lines[index].take()
            && accept(&job)
        {
            picked.push(job);
        }
    }
    Ok(picked)
}

struct Line {
    rank: i64,
    /// The page at hand, last job first.
    page: Vec<Ready>,
    after: Option<After>,
    ended: bool,
}

impl Line {
    fn new(rank: i64) -> Self {
        Self { rank, page: Vec::new(), after: None, ended: false }
    }

    fn head<E>(
        &mut self,
        page: &mut impl FnMut(i64, Option<After>) -> Result<Vec<Ready>, E>,
    ) -> Result<Option<&Ready>, E> {
        if self.page.is_empty() && !self.ended {
            self.page = page(self.rank, self.after)?;
            self.ended = self.page.is_empty();
            self.page.reverse();
        }
        Ok(self.page.last())
    }

    fn take(&mut self) -> Option<Ready> {
        let job = self.page.pop()?;
        self.after = Some((job.turn, job.seat, job.job_id));
        Some(job)
    }
}

/// The turns given out, for each lane and priority. Lives in memory; [`Turns::restore`] rebuilds it from the lines.
#[derive(Debug, Default)]
pub struct Turns {
    lines: HashMap<(String, i64), Served>,
}

#[derive(Debug, Default)]
struct Served {
    /// The turn being served: the largest that was claimed.
    now: i64,
    /// The next turn of each batch; those not after `now` may be forgotten.
    next: HashMap<String, i64>,
}

/// Batches remembered per line before those that have nothing waiting are forgotten.
const REMEMBERED: usize = 1_024;

impl Turns {
    /// The turn of a job of `flow` (its batch; empty for single tasks) that becomes ready.
    pub fn assign(&mut self, lane: &str, rank: i64, flow: &str) -> i64 {
        let served = self.line(lane, rank);
        let turn = served.next.get(flow).copied().unwrap_or(0).max(served.now).max(1);
        if served.next.len() >= REMEMBERED {
            let now = served.now;
            served.next.retain(|_, next| *next > now);
        }
        match served.next.get_mut(flow) {
            Some(next) => *next = turn + 1,
            None => {
                served.next.insert(flow.into(), turn + 1);
            }
        }
        turn
    }

    /// A turn after every other one in the line.
    pub fn assign_last(&mut self, lane: &str, rank: i64, flow: &str) -> i64 {
        let served = self.line(lane, rank);
        let turn = served.next.values().copied().max().unwrap_or(0).max(served.now + 1);
        served.next.insert(flow.into(), turn + 1);
        turn
    }

    /// A job of that turn was claimed.
    pub fn served(&mut self, lane: &str, rank: i64, turn: i64) {
        let served = self.line(lane, rank);
        served.now = served.now.max(turn);
    }

    /// Takes up where an earlier process stopped: a batch's waiting jobs reach from turn `first` to `last`.
    pub fn restore(&mut self, lane: &str, rank: i64, flow: &str, first: i64, last: i64) {
        let served = self.line(lane, rank);
        served.now = if served.now == 0 { first } else { served.now.min(first) };
        served.next.insert(flow.into(), last + 1);
    }

    fn line(&mut self, lane: &str, rank: i64) -> &mut Served {
        // Looked up with an owned key: the map is small and the key short.
        self.lines.entry((lane.to_string(), rank)).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn job(job_id: i64, rank: i64, turn: i64, ready_at: i64) -> Ready {
        Ready { job_id, rank, turn, seat: job_id, ready_at, mutex: None }
    }

    fn run(now: i64, free: usize, jobs: &[Ready], accept: impl FnMut(&Ready) -> bool) -> Vec<i64> {
        let page = |rank: i64, after: Option<After>| {
            let mut line: Vec<Ready> = jobs.iter().filter(|j| j.rank == rank).cloned().collect();
            line.sort_by_key(|j| (j.turn, j.seat, j.job_id));
            line.retain(|j| after.is_none_or(|place| (j.turn, j.seat, j.job_id) > place));
            line.truncate(2);
            Ok::<_, Infallible>(line)
        };
        pick(now, free, page, accept).unwrap().iter().map(|j| j.job_id).collect()
    }

    #[test]
    fn higher_priority_first_until_a_lower_one_has_aged() {
        let jobs = [job(1, 0, 1, 0), job(2, 3, 1, 0), job(3, 2, 1, 0), job(4, 0, 2, 0)];
        assert_eq!(run(0, 9, &jobs, |_| true), [2, 3, 1, 4]);
        let late = 4 * AGEING_MS;
        let jobs = [job(1, 0, 1, 0), job(2, 3, 1, late), job(3, 3, 2, late)];
        assert_eq!(run(late, 9, &jobs, |_| true), [1, 2, 3]);
        // Five hours back: nobody has waited, priority alone decides.
        assert_eq!(run(-18_000_000, 9, &jobs, |_| true), [2, 3, 1]);
    }

    #[test]
    fn refused_jobs_are_passed_over_across_pages() {
        let jobs: Vec<_> = (1..=9).map(|id| job(id, 1, id, 0)).collect();
        assert_eq!(run(0, 2, &jobs, |j| j.job_id > 6), [7, 8]);
        assert!(run(0, 0, &jobs, |_| true).is_empty());
    }

    #[test]
    fn batches_take_turns_and_a_single_job_goes_next() {
        let mut turns = Turns::default();
        let mut line: Vec<(i64, &str)> =
            (0..50).map(|_| (turns.assign("net", 1, "batch"), "batch")).collect();
        // Ten of the batch are served, then a single job and a second batch come.
        for (turn, _) in line.drain(..10) {
            turns.served("net", 1, turn);
        }
        line.push((turns.assign("net", 1, ""), "single"));
        line.extend((0..3).map(|_| (turns.assign("net", 1, "other"), "other")));
        line.sort_by_key(|(turn, _)| *turn);
        let names: Vec<_> = line.iter().take(5).map(|(_, name)| *name).collect();
        assert_eq!(names, ["single", "other", "batch", "other", "batch"]);
    }

    #[test]
    fn a_batch_that_trickles_in_does_not_pass_one_that_waits() {
        let mut turns = Turns::default();
        let first = turns.assign("model", 1, "batch");
        let single = turns.assign("model", 1, "");
        turns.served("model", 1, first);
        let second = turns.assign("model", 1, "batch");
        assert!(second > single, "{second} {single}");
    }
}
