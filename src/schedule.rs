//! Who is due when: TTLs, intervals, jitter, fairness.
