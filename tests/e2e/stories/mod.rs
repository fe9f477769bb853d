//! What is to be true of the real binary on a real network: one sentence, one function.

mod crowds;
mod distance;
mod evidence;
mod faults;
mod knocks;
mod life;
mod manners;
mod moves_abroad;
mod names;
mod network;
mod paths;
mod sites;
mod silence;
mod the_lab_itself;
mod traces;
mod views;
mod ways;
mod zones;

/// Every story, by the sentence that it proves; those that take longest first.
pub(crate) const ALL: &[(&str, fn())] = &[
    (
        "a_name_that_moves_abroad_is_one_critical_alert_within_one_ttl_and_resolves_when_it_moves_back",
        moves_abroad::is_one_critical_alert_and_resolves,
    ),
    (
        "a_vantage_abroad_proves_outside_by_a_file_and_a_broken_file_is_refused_by_name",
        evidence::a_foreign_vantage_proves_outside,
    ),
    ("a_full_disk_loses_nothing_that_was_written", life::a_full_disk_loses_nothing_that_was_written),
    ("an_alertmanager_that_was_down_gets_the_alert_once", life::an_alertmanager_that_was_down_gets_the_alert_once),
    ("a_killed_daemon_goes_on_where_it_was", life::a_killed_daemon_goes_on_where_it_was),
    (
        "what_was_known_of_a_vantage_is_known_at_once_after_a_restart",
        life::what_was_known_of_a_vantage_is_known_after_a_restart,
    ),
    ("a_slow_endpoint_never_delays_another", life::a_slow_endpoint_never_delays_another),
    ("a_detour_abroad_is_named_live_and_when_the_journal_is_judged_again", traces::a_detour_abroad_is_named),
    ("names_that_lead_too_far_or_say_too_much_are_told_within_bounds", names::are_told_within_bounds),
    ("names_that_lead_nowhere_are_unproven_and_never_compliant", names::failures_are_unproven_and_never_compliant),
    ("a_broken_database_is_refused_and_the_old_one_stays", life::a_broken_database_is_refused),
    ("a_broken_configuration_is_refused_and_the_old_one_stays", life::a_broken_configuration_is_refused),
    ("term_ends_it_within_five_seconds_with_rounds_in_flight", life::term_ends_it_with_rounds_in_flight),
    (
        "nothing_is_sent_anything_but_what_the_inventory_or_its_names_gave_and_never_what_is_denied",
        manners::nothing_else_is_sent_anything,
    ),
    (
        "zones_tell_who_serves_them_and_what_their_signatures_are_worth",
        zones::tell_who_serves_them_and_what_their_signatures_are_worth,
    ),
    ("a_cdn_that_answers_by_client_subnet_is_seen_by_every_view", views::see_a_cdn_that_answers_by_client_subnet),
    ("unbound_is_asked_by_tls_and_https_and_only_with_the_right_ca", views::are_asked_by_tls_and_https),
    ("a_resolver_that_leads_to_a_block_page_is_named", views::name_who_leads_to_a_block_page),
    ("a_name_that_rebinds_to_our_own_network_is_contacted_nowhere", manners::nothing_is_sent_where_names_rebind_to),
    ("a_site_that_never_ends_or_hardly_begins_delays_nothing", sites::that_never_end_are_left),
    ("a_site_at_home_whose_login_is_abroad_is_found", sites::at_home_send_people_abroad),
    ("forged_answers_do_not_change_a_trace", traces::forged_answers_change_nothing),
    ("forged_answers_that_hit_prove_nothing_of_the_distance", traces::forgeries_that_hit_prove_nothing),
    ("hops_are_the_routers_that_are_there_by_icmp", traces::hops_are_the_routers_by_icmp),
    ("hops_are_the_routers_that_are_there_by_udp", traces::hops_are_the_routers_by_udp),
    ("hops_are_the_routers_that_are_there_by_tcp", traces::hops_are_the_routers_by_tcp),
    ("a_knock_passes_where_others_are_eaten_and_leaves_nothing_half_open", knocks::pass_and_leave_nothing_half_open),
    ("labels_and_translators_are_seen_by_every_protocol_of_both_families", knocks::see_labels_and_translators),
    ("probes_leave_from_the_address_of_their_way", knocks::leave_from_the_address_of_their_way),
    ("who_shakes_hands_in_the_name_of_another_is_suspected", knocks::raise_suspicion),
    ("hops_are_the_routers_that_are_there_without_any_capability", traces::hops_are_the_routers_without_capabilities),
    ("replies_that_find_no_room_are_counted_and_hops_are_found_again", faults::replies_that_find_no_room_are_counted),
    ("trace_says_that_replies_were_lost", faults::trace_says_that_replies_were_lost),
    (
        "an_interface_that_goes_down_leaves_probes_unsent_and_the_daemon_recovers",
        faults::an_interface_that_goes_down_leaves_probes_unsent,
    ),
    (
        "an_interface_that_goes_down_leaves_probes_unsent_without_any_capability",
        faults::an_interface_that_goes_down_leaves_probes_unsent_without_capabilities,
    ),
    ("an_address_that_changes_is_taken_up_by_the_next_trace", faults::a_changed_address_is_taken_up),
    ("a_route_that_changes_during_a_trace_is_no_loop", faults::a_route_that_changes_during_a_trace_is_no_loop),
    (
        "a_router_on_the_way_that_guesses_changes_nothing_and_is_counted",
        faults::a_router_on_the_way_that_guesses_changes_nothing,
    ),
    (
        "what_a_router_on_the_way_says_in_the_name_of_the_target_proves_nothing",
        faults::what_a_router_on_the_way_says_in_the_name_of_the_target_proves_nothing,
    ),
    ("a_flood_of_unrelated_messages_hurts_no_trace", faults::a_flood_of_unrelated_messages_hurts_no_trace),
    ("trace_tells_a_person_and_a_tool_the_path_that_is_there", paths::are_told_to_a_person_and_to_a_tool),
    ("trace_sends_no_more_than_its_rate", paths::are_traced_at_the_rate),
    ("a_stopped_trace_prints_what_was_measured", paths::are_printed_as_far_as_they_were_measured),
    ("neighbours_share_hops_on_request_and_each_says_which", crowds::share_hops_on_request),
    (
        "a_router_that_answers_only_so_many_a_second_is_on_nearly_every_path",
        crowds::are_told_of_a_router_that_answers_only_so_many_a_second,
    ),
    ("multipath_finds_every_router_that_flows_are_spread_over", ways::are_all_found),
    ("multipath_is_told_to_a_person_refused_by_judge_and_broken_off", ways::are_told_to_a_person_and_refused_by_judge),
    ("no_thread_may_open_raw_sockets_once_the_daemon_runs", traces::the_capability_is_dropped),
    (
        "no_thread_may_open_raw_sockets_while_an_inventory_is_fetched",
        traces::the_capability_is_dropped_before_an_inventory_is_fetched,
    ),
    ("a_silent_path_is_unproven_and_never_compliant", silence::is_unproven_and_never_compliant),
    ("no_network_at_all_is_unproven", silence::no_network_at_all_is_unproven),
    ("a_round_trip_is_never_shorter_than_the_cable", distance::is_never_shorter_than_the_cable),
    ("an_answer_that_comes_too_soon_refutes_the_claim", distance::refutes_a_claim_that_light_cannot_satisfy),
    ("the_lab_routes_packets_hop_by_hop_in_both_families", the_lab_itself::routes_packets),
    ("the_lab_serves_names_and_takes_alerts", the_lab_itself::serves_names_and_takes_alerts),
    ("the_long_way_is_as_long_as_it_says", the_lab_itself::long_way_is_long),
];
