//! What must hold after every event.

use crate::world::{World, states};
use backend::queue::rollup;
use backend::store::{jobs, tasks};
use domain::retry;
use std::collections::{BTreeMap, HashMap, HashSet};

/// All invariants of the book.
pub fn check(world: &mut World) {
    one_live_lease(world);
    final_states_stay(world);
    nothing_is_lost(world);
    bounds_hold(world);
    lanes_and_mutexes_hold(world);
    tasks_follow_their_jobs(world);
    the_outbox_tells_every_change(world);
    dependencies_are_kept(world);
}

/// A job runs under one lease, that of its one open attempt; every live run's lease is in force.
fn one_live_lease(world: &World) {
    let open = world.count("SELECT count(*) FROM attempts WHERE outcome = 'running'");
    let matched = world.count(
        "SELECT count(*) FROM jobs j JOIN attempts a ON a.lease = j.lease AND a.job = j.job_id
         WHERE j.state = 'running' AND a.outcome = 'running'",
    );
    let running = world.count("SELECT count(*) FROM jobs WHERE state = 'running'");
    let leased = world.count("SELECT count(*) FROM jobs WHERE lease IS NOT NULL");
    assert_eq!((open, matched, leased), (running, running, running), "open attempts, matched, leased");
    let live: HashSet<i64> = world.runs.iter().filter(|run| !run.stopped).map(|run| run.job.lease).collect();
    assert_eq!(live.len(), running, "live runs and running jobs");
    for lease in live {
        let found = world
            .conn
            .prepare_cached("SELECT count(*) FROM jobs WHERE state = 'running' AND lease = ?1")
            .unwrap()
            .query_row([lease], |row| row.get::<_, i64>(0))
            .unwrap();
        assert_eq!(found, 1, "lease {lease} of a live run is not in force");
    }
}

/// A final state changes only by a user's act.
fn final_states_stay(world: &mut World) {
    let now = states(world);
    if !world.users_act {
        for (job, state) in &world.finals {
            assert!(
                now.get(job).is_none_or(|new| new == state),
                "job {job} went from {state} to {:?}",
                now.get(job)
            );
        }
    }
    world.finals = now.into_iter().filter(|(_, state)| state.is_final()).collect();
}

/// Every accepted task is there, or has expired.
fn nothing_is_lost(world: &World) {
    let there = world.count("SELECT count(*) FROM tasks");
    assert_eq!(there + world.expired, world.added.len(), "tasks there, expired, added");
}

fn bounds_hold(world: &World) {
    let over = world.count("SELECT count(*) FROM jobs WHERE attempts > max_attempts OR attempts < 0");
    assert_eq!(over, 0, "more tries than allowed");
    let snoozed = format!("SELECT count(*) FROM jobs WHERE snoozed_ms > {}", retry::MAX_SNOOZE_TOTAL_MS);
    assert_eq!(world.count(&snoozed), 0, "put off for too long");
    let due =
        world.count("SELECT count(*) FROM jobs WHERE (run_at IS NULL) = (state IN ('scheduled', 'waiting'))");
    assert_eq!(due, 0, "put-off jobs have a time, others have none");
}

fn lanes_and_mutexes_hold(world: &World) {
    let mut lanes: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut mutexes, mut jobs) = (HashSet::new(), HashSet::new());
    for run in &world.runs {
        *lanes.entry(&run.job.lane).or_default() += 1;
        assert!(jobs.insert(run.job.job_id), "job {} runs twice", run.job.job_id);
        if let Some(mutex) = &run.job.mutex {
            assert!(mutexes.insert(mutex), "two run with the mutex {mutex}");
        }
    }
    for (lane, count) in lanes {
        assert!(count <= world.ledger.limits.of(lane), "{count} run in {lane}");
    }
}

fn numbers(world: &World) -> Vec<i64> {
    let mut statement = world.conn.prepare_cached("SELECT seq FROM tasks").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

/// A task is what its jobs make it; its progress goes back only when a user starts it anew.
fn tasks_follow_their_jobs(world: &mut World) {
    let mut progress = HashMap::new();
    for seq in numbers(world) {
        let task = tasks::by_seq(&world.conn, seq).unwrap().unwrap();
        let rolled = rollup::rollup(&jobs::summaries(&world.conn, seq).unwrap(), task.progress);
        assert_eq!(rolled.status, task.status, "status of {}", task.task_id);
        if let Some(before) = world.progress.get(&seq)
            && !world.users_act
        {
            assert!(
                task.progress >= *before,
                "progress of {} went from {before} to {}",
                task.task_id,
                task.progress
            );
        }
        progress.insert(seq, task.progress);
    }
    world.progress = progress;
    let ended = world.count(
        "SELECT count(*) FROM tasks WHERE (finished_at IS NOT NULL) <> (status IN ('completed', 'failed', 'cancelled'))",
    );
    assert_eq!(ended, 0, "ended tasks, and only they, have an end");
}

/// The last row of the outbox names each task's status, and no two rows in a row are the same.
fn the_outbox_tells_every_change(world: &World) {
    let wrong = world.count(
        "SELECT count(*) FROM tasks t WHERE status <>
           (SELECT status FROM outbox o WHERE o.task_id = t.task_id ORDER BY id DESC LIMIT 1)
         AND EXISTS (SELECT 1 FROM outbox o WHERE o.task_id = t.task_id)",
    );
    assert_eq!(wrong, 0, "the outbox tells another status");
    let repeated = world.count(
        "SELECT count(*) FROM
           (SELECT status = lag(status) OVER (PARTITION BY task_id ORDER BY id) AS same FROM outbox) WHERE same",
    );
    assert_eq!(repeated, 0, "the outbox tells a change that was none");
}

/// What may run has all it needs; what is blocked lacks something.
fn dependencies_are_kept(world: &World) {
    let unmet = "EXISTS (SELECT 1 FROM dependencies d JOIN jobs n ON n.job_id = d.needs
                         WHERE d.job = j.job_id AND n.state <> 'succeeded')";
    let early = world.count(&format!(
        "SELECT count(*) FROM jobs j WHERE state IN ('ready', 'running', 'scheduled', 'waiting') AND {unmet}"
    ));
    assert_eq!(early, 0, "a job may run before what it needs");
    let stuck = world.count(&format!("SELECT count(*) FROM jobs j WHERE state = 'blocked' AND NOT {unmet}"));
    assert_eq!(stuck, 0, "a job is blocked by nothing");
}

/// After a turn no job is left that could run: not paused, its lane free, its mutex free.
pub fn nobody_waits_needlessly(world: &World) {
    let busy = world.busy();
    let mut statement = world
        .conn
        .prepare_cached(
            "SELECT j.job_id, j.lane, j.mutex FROM jobs j JOIN tasks t ON t.seq = j.task
             WHERE j.state = 'ready' AND NOT t.paused
               AND NOT EXISTS (SELECT 1 FROM pauses WHERE scope = 'all' OR scope = 'lane:' || j.lane)",
        )
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (job, lane, mutex): (i64, String, Option<String>) =
            (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
        let full = busy.lanes.get(&lane).copied().unwrap_or(0) >= world.ledger.limits.of(&lane);
        let held = mutex.is_some_and(|mutex| busy.mutexes.contains(&mutex));
        assert!(full || held || busy.jobs.contains(&job), "job {job} waits in {lane} although it could run");
    }
}

/// The file itself is sound.
pub fn check_files(world: &World) {
    let sound: String = world.conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    assert_eq!(world.count("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}
