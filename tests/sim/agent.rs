//! What the whole daemon makes of it.

crate::scenarios![
    a_thousand_endpoints,
    alertmanager_down,
    alertmanager_failing,
    alias_loop,
    certificate_expires,
    database_is_wrong,
    flapping,
    journal_full,
    liar_cannot_bring_it_home,
    moves_abroad,
    name_server_says_nothing,
    name_vanishes_and_returns,
    no_network_for_an_hour,
    patience_over_days,
    reload_drops_what_is_gone,
    restart,
    schedule_is_even,
    silent_path_is_unknown,
    slow_endpoint,
];
