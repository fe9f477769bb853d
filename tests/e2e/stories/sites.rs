//! Sites: where their pages send people, what they show of themselves, and what they say of where they are.

use super::network;
use crate::lab::{
    Authority, Lab, Manner, NameServer, Recursor, Settings, Zone, inspect, inspect_trusting, page, page_in,
};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(super) fn at_home_send_people_abroad() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let _cable = network::lay_cable(&lab);
    let (home, abroad, resolver) = (net.v4("portal", "ix"), net.v4("abroad", "sea"), net.v4("dns", "isp"));
    let zones = [
        Zone { name: "example.gov.pk", ttl: 30, records: "www A 175.107.60.1" },
        Zone { name: "example.com", ttl: 30, records: "login A 88.198.1.2" },
    ];
    let names = [zones[0].name, zones[1].name];
    let _server = NameServer::start(&lab, "portal", home, &zones);
    let _recursor = Recursor::start(&lab, "dns", resolver, home, &names);
    let authority = Authority::new(&lab, "authority");
    let sent = ["HTTP/1.1 302 Found", "Location: https://login.example.com/session", "cf-ray: 8f00b204e9800998-FRA"];
    let _site = page(&lab, "portal", SocketAddr::new(home, 443), &authority.issue("www.example.gov.pk"), &sent);
    // It shows what was made for another, and says that it is at home.
    let shown = authority.issue("www.example.com");
    let here = ["HTTP/1.1 200 OK", "Content-Length: 0", "cf-ray: 8f00b204e9800998-KHI", "server: cloudflare"];
    let mut login = page(&lab, "abroad", SocketAddr::new(abroad, 443), &shown, &here);
    let settings = Settings {
        endpoints: &["https://www.example.gov.pk", "https://login.example.com/session"],
        resolver: Some(resolver),
        probing: "protocols = []\nzone = false\nnames = false",
        sections: network::REGISTER,
        ..Settings::default()
    };
    let (lines, status) = inspect_trusting(&lab, "khi-1", &authority, &settings);
    let [site, login_itself] = &lines[..] else { panic!("{lines:#?}") };
    let found = &site["findings"][0];
    assert_eq!((&found["rule"], &site["standing"]), (&"redirect-outside".into(), &"suspect".into()), "{site:#}");
    let says = "login.example.com, which is where its pages send people by https://www.example.gov.pk/, is at 88.198.1.2, \
                which is outside (attested): DE";
    assert_eq!(found["because"][0], says);
    let trust = |line: &Value| line["contacts"][0]["tls"]["established"]["trust"].clone();
    assert_eq!((trust(site), trust(login_itself)), ("trusted".into(), "wrong-name".into()));
    for (line, place, label) in [(site, "inside", "FRA"), (login_itself, "outside", "KHI")] {
        let says = line["evidence"].as_array().expect("evidence").iter().find(|says| says["source"] == "cf-ray");
        let says = says.and_then(|says| says["says"].as_str()).unwrap_or_else(|| panic!("{line:#}"));
        assert!(says.contains(label) && says.ends_with("counts for nothing"), "{says}");
        assert_eq!((&line["place"], &line["labels"][0]["label"]), (&place.into(), &label.into()));
    }
    assert_eq!(status, Some(2), "the login is a breach where it is an endpoint itself");
    // Asked by who is sent there, and as an endpoint.
    for _ in 0..2 {
        login.wait_for_line("GET /session HTTP/1.1", Duration::from_secs(5));
    }
}

pub(super) fn that_never_end_are_left() {
    let net = network::drawing();
    let lab = Lab::up(&net);
    let home = net.v4("portal", "ix");
    let identity = Authority::new(&lab, "authority").issue("www.example.gov.pk");
    // A terabyte, as far as it says.
    let long = ["HTTP/1.1 200 OK", "Content-Type: text/html", "Content-Length: 1000000000000"];
    let sites = [(443, Manner::Endless, &long[..]), (8443, Manner::Slow, &long[..1])];
    let mut sites =
        sites.map(|(port, manner, head)| page_in(&lab, "portal", SocketAddr::new(home, port), &identity, manner, head));
    let endpoints = [format!("https://{home}"), format!("https://{home}:8443")];
    let endpoints = endpoints.each_ref().map(String::as_str);
    let probing = "protocols = []\nnames = false\nresources = true";
    let settings = Settings { endpoints: &endpoints, probing, sections: network::REGISTER, ..Settings::default() };
    let begun = Instant::now();
    let (lines, _) = inspect(&lab, "khi-1", &settings);
    let elapsed = begun.elapsed();
    println!("both were left after {elapsed:.1?}");
    assert!(elapsed < Duration::from_secs(8), "contact_timeout is a second: {elapsed:?}");
    let [endless, slow] = [&lines[0], &lines[1]].map(|line| &line["contacts"][0]["exchanges"][0]["outcome"]);
    let read = &endless["answered"];
    assert_eq!((&read["body_bytes"], &read["body_cut"]), (&(512 << 10).into(), &true.into()), "{endless:#}");
    assert_eq!(slow["failed"], "timeout", "{slow:#}");
    for site in &mut sites {
        site.wait_for_line("heard", Duration::from_secs(5));
    }
}
