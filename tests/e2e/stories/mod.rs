//! What is to be true of the real binary on a real network: one sentence, one function.

mod the_lab_itself;

/// Every story, by the sentence that it proves.
pub(crate) const ALL: &[(&str, fn())] = &[
    ("the_lab_routes_packets_hop_by_hop_in_both_families", the_lab_itself::routes_packets),
    ("the_lab_serves_names_and_takes_alerts", the_lab_itself::serves_names_and_takes_alerts),
    ("the_long_way_is_as_long_as_it_says", the_lab_itself::long_way_is_long),
];
