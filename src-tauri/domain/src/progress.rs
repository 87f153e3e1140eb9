//! A task's progress as the weighted sum of its steps.

/// Progress of a task, 0 to 100, from `(weight, progress 0..100)` of each of its steps; never below `before`.
pub fn weighted(steps: impl IntoIterator<Item = (f64, f64)>, before: f64) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (weight, progress) in steps {
        sum += weight * progress.clamp(0.0, 100.0);
        total += weight;
    }
    let now = if total > 0.0 { sum / total } else { 0.0 };
    now.max(before).clamp(0.0, 100.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn weighs_and_never_goes_back() {
        assert_eq!(super::weighted([(1.0, 100.0), (3.0, 0.0)], 0.0), 25.0);
        assert_eq!(super::weighted([(1.0, 0.0)], 40.0), 40.0);
        assert_eq!(super::weighted([], 0.0), 0.0);
    }
}
