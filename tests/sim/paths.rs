//! What the tracer sees of a path.

crate::scenarios![
    anycast,
    ecmp,
    multipath,
    forged_replies,
    ipv6,
    late_reply,
    no_network,
    rate_limited_router,
    refused_on_the_way,
    routing_loop,
    silent_hops,
    target_answers_many_ttls,
    tcp_where_others_are_filtered,
    translated_in_front,
    translated_on_the_way,
    truncated_replies,
    udp_where_icmp_is_filtered,
    whole_path_silent,
];
