//! One life: a book on real SQL, runs that come and go, a user who meddles, crashes, a clock that jumps.

use backend::queue::ledger::{Busy, Changes, Claimed, Death, Ledger, Outcome, Success, Verdict};
use backend::queue::{Limits, NewTask, Snooze};
use backend::store::pauses::Scope;
use backend::store::{Durability, StoreError, connect};
use domain::{
    ApiError, ErrorCode, JobState, Lane, Priority, RetryClass, Source, Step, StepKind, TaskInput, TaskKind,
    UtcTime, retry,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rusqlite::Connection;
use serde_json::{Map, json};
use std::collections::{BTreeMap, HashMap};

pub const DAY: i64 = 86_400_000;

/// A run as its process sees it. `stopped`: its lease is gone, but it has not ended yet and still holds its place.
pub struct Run {
    pub job: Claimed,
    pub stopped: bool,
}

pub struct World {
    pub random: StdRng,
    pub conn: Connection,
    pub ledger: Ledger,
    pub now: UtcTime,
    pub runs: Vec<Run>,
    pub added: Vec<String>,
    /// Final states before the event, for jobs.
    pub finals: HashMap<i64, JobState>,
    pub progress: HashMap<i64, f64>,
    /// The event may change final states: it is a user's act.
    pub users_act: bool,
    pub last_lease: i64,
    pub claims: u64,
    pub expired: usize,
    trace: bool,
    events: usize,
    _folder: tempfile::TempDir,
}

const LANES: [&str; 4] = ["net", "cpu", "model", "provider:x"];

impl World {
    pub fn new(seed: u64, trace: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = UtcTime(1_800_000_000_000);
        let conn = connect(&folder.path().join("bobina.db"), now, Durability::Off).unwrap();
        let mut random = StdRng::seed_from_u64(seed);
        let limits = Limits {
            net: random.random_range(1..4),
            cpu: random.random_range(1..3),
            model: 1,
            provider: 2,
            max_attempts: random.random_range(1..=6),
            ..Limits::default()
        };
        Self {
            random,
            conn,
            ledger: Ledger::new(limits),
            now,
            runs: Vec::new(),
            added: Vec::new(),
            finals: HashMap::new(),
            progress: HashMap::new(),
            users_act: false,
            last_lease: 0,
            claims: 0,
            expired: 0,
            trace,
            events: 0,
            _folder: folder,
        }
    }

    fn say(&self, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{:4} {} {}", self.events, self.now, what());
        }
    }

    /// Runs `work` in a transaction; now and then its commit fails, and nothing of it may be seen.
    fn commit<T>(
        &mut self,
        work: impl FnOnce(&mut Ledger, &Connection, &mut Changes, UtcTime) -> Result<T, StoreError>,
    ) -> Option<Result<(T, Changes), StoreError>> {
        let mut changes = Changes::default();
        self.conn.execute_batch("BEGIN IMMEDIATE").unwrap();
        let result = work(&mut self.ledger, &self.conn, &mut changes, self.now);
        if let Err(error) = &result {
            assert!(matches!(error, StoreError::Answer(_)), "{error}");
        }
        if result.is_err() || self.random.random_bool(0.02) {
            self.conn.execute_batch("ROLLBACK").unwrap();
            return result.err().map(Err);
        }
        self.conn.execute_batch("COMMIT").unwrap();
        for (lease, _) in &changes.stopped {
            for run in self.runs.iter_mut().filter(|run| run.job.lease == *lease) {
                run.stopped = true;
            }
        }
        result.map(|value| Some(Ok((value, changes)))).unwrap_or_else(|error| Some(Err(error)))
    }

    pub fn event(&mut self) {
        self.events += 1;
        self.users_act = false;
        match self.random.random_range(0..100) {
            0..=13 => self.add(),
            14..=39 => self.turn(),
            40..=61 => self.end_a_run(),
            62..=66 => self.tell_progress(),
            67..=69 => self.say_a_stale_word(),
            70..=73 => self.wind_down(),
            74..=86 => self.meddle(),
            87..=95 => self.pass_time(),
            96 => self.crash(),
            97 => self.restart(),
            98 => self.prune(),
            _ => self.wake(),
        }
    }

    fn add(&mut self) {
        let number = self.added.len() as u64;
        let steps = self.steps();
        let new = NewTask {
            task_id: backend::ids::id("t_", number),
            kind: TaskKind::MediaProcessing,
            title: String::new(),
            input: input(number),
            priority: Priority::ALL[self.random.random_range(0..4)],
            batch_id: self.random.random_bool(0.4).then(|| format!("b{}", number / 8)),
            not_before: self.random.random_bool(0.1).then(|| self.now.plus_millis(60_000)),
            steps,
            media_id: None,
            duration: None,
            size: None,
            apply: None,
        };
        let id = new.task_id.clone();
        self.say(|| format!("add {id}"));
        if let Some(Ok(_)) = self.commit(|ledger, conn, changes, now| ledger.add(conn, changes, new, now)) {
            self.added.push(id);
        }
    }

    fn steps(&mut self) -> Vec<Step> {
        let count = self.random.random_range(1..=5);
        (0..count)
            .map(|index| {
                let after =
                    (0..index).filter(|_| self.random.random_bool(0.4)).map(|n| format!("s{n}")).collect();
                let mut options = Map::new();
                if self.random.random_bool(0.3) {
                    options.insert("mutex".into(), json!(format!("m{}", self.random.random_range(0..3))));
                }
                let lane = LANES[self.random.random_range(0..LANES.len())].parse().unwrap();
                Step { name: format!("s{index}"), kind: StepKind::Noop, after, lane: Some(lane), options }
            })
            .collect()
    }

    pub fn busy(&self) -> Busy {
        let mut busy = Busy::default();
        for run in &self.runs {
            *busy.lanes.entry(run.job.lane.clone()).or_default() += 1;
            busy.mutexes.extend(run.job.mutex.clone());
            busy.jobs.insert(run.job.job_id);
        }
        busy
    }

    pub fn turn(&mut self) {
        let busy = self.busy();
        let committed = self.commit(|ledger, conn, changes, now| {
            while ledger.promote(conn, changes, now)? {}
            ledger.claim(conn, changes, &busy, 100, now)
        });
        let Some(Ok((claimed, _))) = committed else { return };
        for job in claimed {
            self.say(|| format!("claim job {} lease {} try {}", job.job_id, job.lease, job.attempt));
            assert!(job.lease > self.last_lease, "lease {} after {}", job.lease, self.last_lease);
            self.last_lease = job.lease;
            self.claims += 1;
            self.runs.push(Run { job, stopped: false });
        }
        super::invariants::nobody_waits_needlessly(self);
    }

    fn pick_run(&mut self, stopped: bool) -> Option<usize> {
        let matching: Vec<_> =
            (0..self.runs.len()).filter(|index| self.runs[*index].stopped == stopped).collect();
        if matching.is_empty() { None } else { Some(matching[self.random.random_range(0..matching.len())]) }
    }

    fn outcome(&mut self) -> Outcome {
        if self.random.random_bool(0.6) {
            return Outcome::Success(Success {
                cached: self.random.random_bool(0.2),
                skip_dependents: self.random.random_bool(0.05),
                skip_rest: if self.random.random_bool(0.05) { vec!["s3".into()] } else { Vec::new() },
                media_id: self.random.random_bool(0.2).then(|| "m_1".into()),
                weights: vec![("s1".into(), self.random.random_range(0.0..50.0))],
                ..Success::default()
            });
        }
        const CODES: [ErrorCode; 6] = [
            ErrorCode::NetworkLost,
            ErrorCode::ServerFault,
            ErrorCode::DiskFull,
            ErrorCode::MediaDamaged,
            ErrorCode::RateLimited,
            ErrorCode::ModelMissing,
        ];
        let mut error = ApiError::new(CODES[self.random.random_range(0..CODES.len())], "told to fail");
        if self.random.random_bool(0.2) {
            error.retry_after_ms = Some(self.random.random_range(0..100_000));
        }
        let snooze =
            self.random.random_bool(0.1).then(|| Snooze { until: Some(self.now.plus_millis(5_000)) });
        Outcome::Failure { error, snooze, engine: None }
    }

    fn end_a_run(&mut self) {
        let Some(index) = self.pick_run(false) else { return };
        let outcome = self.outcome();
        self.end(index, &outcome);
    }

    fn end(&mut self, index: usize, outcome: &Outcome) {
        let (job_id, lease, attempt) = {
            let job = &self.runs[index].job;
            (job.job_id, job.lease, job.attempt)
        };
        self.say(|| format!("end job {job_id} lease {lease}: {outcome:?}"));
        let chance = self.random.random::<f64>();
        let committed = self.commit(|ledger, conn, changes, now| {
            ledger.finish(conn, changes, job_id, lease, outcome, now, chance)
        });
        let Some(result) = committed else { return };
        let (verdict, _) = result.unwrap();
        assert_eq!(verdict, Verdict::Taken, "a live run was refused");
        // A skip may have stopped others, never this one.
        self.runs.retain(|run| run.job.lease != lease);
        if let Outcome::Failure { error, snooze: None, .. } = outcome
            && error.code.retry_class() == RetryClass::Passing
        {
            self.check_schedule(job_id, attempt, error);
        }
    }

    /// The next try lies where the schedule puts it.
    fn check_schedule(&self, job_id: i64, attempt: u32, error: &ApiError) {
        let (state, run_at, most): (String, Option<i64>, u32) = self
            .conn
            .query_row("SELECT state, run_at, max_attempts FROM jobs WHERE job_id = ?1", [job_id], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .unwrap();
        if attempt >= most {
            assert_eq!(state, "dead", "no tries left");
            return;
        }
        assert_eq!(state, "scheduled");
        let delay = run_at.unwrap() - self.now.0;
        let base = retry::BACKOFF_MS[attempt as usize - 1];
        let least = (base * 8 / 10).max(error.retry_after_ms.unwrap_or(0) as i64);
        let longest = (base * 12 / 10).max(error.retry_after_ms.unwrap_or(0) as i64);
        assert!(
            (least..=longest).contains(&delay),
            "try {attempt}: {delay} is not within {least}..={longest}"
        );
    }

    fn tell_progress(&mut self) {
        let Some(index) = self.pick_run(false) else { return };
        let (job_id, lease) = (self.runs[index].job.job_id, self.runs[index].job.lease);
        let progress = self.random.random_range(0.0..100.0);
        let committed = self.commit(|ledger, conn, changes, now| {
            ledger.progress(conn, changes, job_id, lease, progress, Some("so far"), None, now)
        });
        if let Some(result) = committed {
            assert_eq!(result.unwrap().0, Verdict::Taken);
        }
    }

    /// A word under a lease that is gone: of a stopped run, or of an older run of the same job.
    fn say_a_stale_word(&mut self) {
        if self.last_lease == 0 {
            return;
        }
        let lease = self.random.random_range(1..=self.last_lease);
        if self.runs.iter().any(|run| run.job.lease == lease && !run.stopped) {
            return;
        }
        let jobs: Vec<i64> = self.runs.iter().map(|run| run.job.job_id).collect();
        let job_id: Option<i64> =
            self.conn.query_row("SELECT job FROM attempts WHERE lease = ?1", [lease], |row| row.get(0)).ok();
        let Some(job_id) = job_id.or(jobs.first().copied()) else { return };
        let outcome = self.outcome();
        self.say(|| format!("stale word of job {job_id} lease {lease}"));
        let before = self.snapshot();
        let committed = self.commit(|ledger, conn, changes, now| {
            let told = ledger.progress(conn, changes, job_id, lease, 99.0, None, None, now)?;
            let ended = ledger.finish(conn, changes, job_id, lease, &outcome, now, 0.5)?;
            Ok((told, ended))
        });
        if let Some(result) = committed {
            assert_eq!(result.unwrap().0, (Verdict::Refused, Verdict::Refused));
        }
        assert_eq!(before, self.snapshot(), "a stale word changed something");
    }

    fn snapshot(&self) -> Vec<(i64, String, f64, Option<i64>)> {
        let mut statement =
            self.conn.prepare("SELECT job_id, state, progress, lease FROM jobs ORDER BY job_id").unwrap();
        statement
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    /// A stopped run ends and gives its place up.
    fn wind_down(&mut self) {
        if let Some(index) = self.pick_run(true) {
            let run = self.runs.remove(index);
            self.say(|| format!("run of job {} is down", run.job.job_id));
        }
    }

    fn meddle(&mut self) {
        if self.added.is_empty() {
            return;
        }
        self.users_act = true;
        let id = self.added[self.random.random_range(0..self.added.len())].clone();
        let other = self.added[self.random.random_range(0..self.added.len())].clone();
        let lane: Option<Lane> = self
            .random
            .random_bool(0.7)
            .then(|| LANES[self.random.random_range(0..LANES.len())].parse().unwrap());
        let act = self.random.random_range(0..12);
        let rank = self.random.random_range(0..4);
        let step = format!("s{}", self.random.random_range(0..5));
        self.say(|| format!("act {act} on {id} ({other}, {lane:?}, {step})"));
        let done = self.commit(|ledger, conn, changes, now| match act {
            0 => ledger.cancel(conn, changes, &id, now).map(drop),
            1 => ledger.pause_task(conn, changes, &id, now).map(drop),
            2 | 3 => ledger.resume_task(conn, changes, &id, now).map(drop),
            4 => ledger.pause(conn, changes, &Scope::of_user(lane), None, now),
            5 | 6 => {
                ledger.resume(conn, changes, &Scope::of_user(lane))?;
                ledger.resume(conn, changes, &Scope::All)
            }
            7 => ledger.retry(conn, changes, &id, now).map(drop),
            8 => ledger.retry_all(conn, changes, now).map(drop),
            9 => ledger.reorder(conn, changes, &id, (id != other).then_some(&other), now).map(drop),
            10 => ledger.set_priority(conn, changes, &id, Priority::ALL[rank], now).map(drop),
            _ => ledger.run_step(conn, changes, &id, &step, now).map(drop),
        });
        if let Some(Err(error)) = done {
            self.say(|| format!("  refused: {error}"));
        }
    }

    fn wake(&mut self) {
        let code =
            if self.random.random_bool(0.5) { ErrorCode::ModelMissing } else { ErrorCode::RateLimited };
        self.commit(|ledger, conn, changes, now| ledger.wake(conn, changes, code, now));
    }

    fn open_jobs(&self) -> Vec<(String, String, String, Option<String>)> {
        let sql = "SELECT t.task_id, j.step, j.state, j.mutex FROM tasks t JOIN jobs j ON j.task = t.seq
                   WHERE t.status IN ('queued', 'processing') ORDER BY t.seq, j.position";
        let mut statement = self.conn.prepare(sql).unwrap();
        let rows =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn pass_time(&mut self) {
        let millis = match self.random.random_range(0..20) {
            0..=8 => self.random.random_range(1..5_000),
            9..=13 => self.random.random_range(5_000..600_000),
            14..=16 => self.random.random_range(600_000..10_000_000),
            17 => DAY,
            18 => -self.random.random_range(0..DAY),
            // The change of clocks in autumn.
            _ => -3_600_000,
        };
        self.now = self.now.plus_millis(millis);
        self.say(|| format!("time moves by {millis} ms"));
    }

    /// The process is gone: its runs with it, and the part of the book that was in memory.
    fn crash(&mut self) {
        let death = if self.random.random_bool(0.3) { Death::Fault } else { Death::Outside };
        self.say(|| format!("crash: {death:?}"));
        self.runs.clear();
        self.ledger = Ledger::new(self.ledger.limits.clone());
        // A crash during recovery is a crash as well.
        while !matches!(
            self.commit(|ledger, conn, changes, now| ledger.recover(conn, changes, death, now)),
            Some(Ok(_))
        ) {}
        let running: i64 = self
            .conn
            .query_row("SELECT count(*) FROM jobs WHERE state = 'running'", [], |row| row.get(0))
            .unwrap();
        assert_eq!(running, 0);
    }

    fn restart(&mut self) {
        self.say(|| "restart".into());
        let released = self.commit(|ledger, conn, changes, now| ledger.release_all(conn, changes, now));
        if !matches!(released, Some(Ok(_))) {
            return;
        }
        assert!(self.runs.iter().all(|run| run.stopped));
        self.runs.clear();
        self.ledger = Ledger::new(self.ledger.limits.clone());
        while !matches!(
            self.commit(|ledger, conn, changes, now| ledger.recover(conn, changes, Death::Outside, now)),
            Some(Ok((0, _)))
        ) {}
    }

    fn prune(&mut self) {
        let before: usize = self.count("SELECT count(*) FROM expired_tasks");
        self.commit(|ledger, conn, _, now| ledger.prune(conn, now));
        self.expired += self.count("SELECT count(*) FROM expired_tasks") - before;
    }

    pub fn count(&self, sql: &str) -> usize {
        self.conn.prepare_cached(sql).unwrap().query_row([], |row| row.get::<_, i64>(0)).unwrap() as usize
    }

    /// Whatever happened: once nobody meddles and every step succeeds, every accepted task ends.
    pub fn finish_everything(&mut self) {
        self.users_act = true;
        let paused: Vec<Lane> = LANES.iter().map(|lane| lane.parse().unwrap()).collect();
        let ids = self.added.clone();
        loop {
            let resumed = self.commit(|ledger, conn, changes, now| {
                ledger.resume(conn, changes, &Scope::All)?;
                for lane in &paused {
                    ledger.resume(conn, changes, &Scope::Lane(lane.clone()))?;
                }
                for id in &ids {
                    match ledger.resume_task(conn, changes, id, now) {
                        Err(StoreError::Answer(error)) if error.code == ErrorCode::TaskExpired => {}
                        other => drop(other?),
                    }
                }
                Ok(())
            });
            if resumed.is_some_and(|result| result.is_ok()) {
                break;
            }
        }
        let open = "SELECT count(*) FROM tasks WHERE status IN ('queued', 'processing')";
        for round in 0.. {
            self.runs.retain(|run| !run.stopped);
            while !self.runs.is_empty() {
                self.end(0, &Outcome::Success(Success::default()));
            }
            super::invariants::check(self);
            if self.count(open) == 0 {
                break;
            }
            assert!(round < 2_000, "{} tasks never end: {:?}", self.count(open), self.open_jobs());
            self.turn();
            if self.runs.is_empty() {
                self.now = self.now.plus_millis(DAY);
            }
        }
        super::invariants::check_files(self);
    }
}

fn input(number: u64) -> TaskInput {
    TaskInput {
        source: Source::File { path: format!("/{number}") },
        recipe: "test".into(),
        language: "auto".into(),
        engine: "auto".into(),
        headers: Vec::new(),
        secret_headers: None,
        allow_hosts: Vec::new(),
        again: false,
    }
}

/// Jobs by id with their states.
pub fn states(world: &World) -> BTreeMap<i64, JobState> {
    let mut statement = world.conn.prepare_cached("SELECT job_id, state FROM jobs").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).unwrap();
    rows.map(|row| row.map(|(id, state)| (id, state.parse().unwrap())).unwrap()).collect()
}
