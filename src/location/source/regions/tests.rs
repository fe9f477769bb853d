use proptest::prelude::*;

use super::*;

fn countries() -> RegionCountries {
    RegionCountries::parse(include_str!("../../../../geodb/regions.csv")).unwrap()
}

fn read(cloud: Cloud, text: &str) -> Regions {
    Regions::parse(cloud, text.as_bytes(), &countries()).unwrap()
}

fn said(regions: &Regions, address: &str) -> String {
    match regions.find(address.parse().unwrap()) {
        Some(Published::Region { region, country }) => format!("{country} {region}"),
        Some(Published::Edge { service }) => format!("edge {service}"),
        None => "nothing".to_owned(),
    }
}

const AWS: &str = r#"{"syncToken": "1", "createDate": "2026-11-20-19-03-13", "prefixes": [
    {"ip_prefix": "3.28.0.0/15", "region": "me-central-1", "service": "AMAZON", "network_border_group": "me-central-1"},
    {"ip_prefix": "3.28.0.0/15", "region": "me-central-1", "service": "EC2", "network_border_group": "me-central-1"},
    {"ip_prefix": "15.181.160.0/20", "region": "me-south-1", "service": "EC2", "network_border_group": "me-south-1-mct-1"},
    {"ip_prefix": "15.181.0.0/16", "region": "us-east-1", "service": "AMAZON", "network_border_group": "us-east-1"},
    {"ip_prefix": "15.181.176.0/20", "region": "us-east-1", "service": "EC2", "network_border_group": "us-east-1-xyz-9"},
    {"ip_prefix": "13.224.0.0/14", "region": "GLOBAL", "service": "AMAZON", "network_border_group": "GLOBAL"},
    {"ip_prefix": "13.224.0.0/14", "region": "GLOBAL", "service": "CLOUDFRONT", "network_border_group": "GLOBAL"},
    {"ip_prefix": "13.225.0.0/24", "region": "sa-east-1", "service": "AMAZON", "network_border_group": "sa-east-1"},
    {"ip_prefix": "15.193.0.0/19", "region": "GLOBAL", "service": "AMAZON", "network_border_group": "GLOBAL"},
    {"ip_prefix": "15.193.3.0/24", "region": "ap-southeast-2", "service": "AMAZON", "network_border_group": "ap-southeast-2"},
    {"ip_prefix": "75.2.0.0/17", "region": "us-west-2", "service": "GLOBALACCELERATOR", "network_border_group": "us-west-2"},
    {"ip_prefix": "75.2.0.0/17", "region": "us-west-2", "service": "AMAZON", "network_border_group": "us-west-2"},
    {"ip_prefix": "52.1.0.0/16", "region": "us-east-1", "service": "AMAZON", "network_border_group": "us-east-1"},
    {"ip_prefix": "52.1.0.0/16", "region": "eu-west-1", "service": "EC2", "network_border_group": "eu-west-1"},
    {"ip_prefix": "no prefix", "region": "us-east-1", "service": "EC2", "network_border_group": "us-east-1"}
  ], "ipv6_prefixes": [
    {"ipv6_prefix": "2406:da1c::/36", "region": "ap-southeast-2", "service": "AMAZON", "network_border_group": "ap-southeast-2"}
  ]}"#;

#[test]
fn a_region_of_amazon_has_its_country_a_local_zone_its_own_and_an_edge_none() {
    let regions = read(Cloud::Aws, AWS);
    for (address, expected) in [
        ("3.28.1.1", "AE me-central-1"),
        ("15.181.160.1", "OM me-south-1-mct-1"),
        ("15.181.1.1", "US us-east-1"),
        ("15.181.176.1", "nothing"),
        ("13.224.0.1", "edge CLOUDFRONT"),
        ("13.225.0.1", "edge CLOUDFRONT"),
        ("15.193.0.1", "edge AMAZON"),
        ("15.193.3.1", "AU ap-southeast-2"),
        ("75.2.60.5", "edge GLOBALACCELERATOR"),
        ("52.1.1.1", "nothing"),
        ("2406:da1c::1", "AU ap-southeast-2"),
        ("8.8.8.8", "nothing"),
    ] {
        assert_eq!(said(&regions, address), expected, "{address}");
    }
    assert_eq!(regions.dated, "2026-11-20".parse().ok());
    assert_eq!(
        regions.dirt.lines(),
        [
            "1 left out: no prefix (the first is \"no prefix\")",
            "1 left out: at odds with itself (the first is \"52.1.0.0/16\")",
            "1 left out: a region whose country is not known (the first is \"us-east-1-xyz-9\")",
        ]
    );
}

#[test]
fn a_scope_of_google_is_a_region_or_global() {
    let text = r#"{"syncToken": "1", "creationTime": "2026-11-20T05:03:25.817", "prefixes": [
        {"ipv4Prefix": "34.18.0.0/16", "service": "Google Cloud", "scope": "me-central1"},
        {"ipv4Prefix": "34.96.64.0/18", "service": "Google Cloud", "scope": "global"},
        {"ipv6Prefix": "2600:1900:40a0::/44", "service": "Google Cloud", "scope": "asia-south1"}]}"#;
    let regions = read(Cloud::Gcp, text);
    assert_eq!(said(&regions, "34.18.1.1"), "QA me-central1");
    assert_eq!(said(&regions, "34.96.64.1"), "edge Google Cloud");
    assert_eq!(said(&regions, "2600:1900:40a0::1"), "IN asia-south1");
    assert_eq!(regions.dated, "2026-11-20".parse().ok());
}

#[test]
fn a_tag_of_microsoft_counts_with_its_region_and_front_door_is_an_edge() {
    let text = r#"{"changeNumber": 9, "cloud": "Public", "values": [
        {"name": "AzureCloud", "properties": {"region": "", "addressPrefixes": ["20.45.64.0/19", "20.0.0.0/11"]}},
        {"name": "AzureCloud.uaenorth", "properties": {"region": "uaenorth", "addressPrefixes": ["20.45.64.0/19"]}},
        {"name": "Storage.UAENorth", "properties": {"region": "UAENorth", "addressPrefixes": ["20.45.65.0/24"]}},
        {"name": "AzureFrontDoor.Frontend", "properties": {"region": "", "addressPrefixes": ["13.107.246.0/24"]}},
        {"name": "AzureCloud.westeurope", "properties": {"region": "westeurope", "addressPrefixes": ["13.107.246.128/25"]}}]}"#;
    let regions = read(Cloud::Azure, text);
    assert_eq!(said(&regions, "20.45.64.1"), "AE uaenorth");
    assert_eq!(said(&regions, "20.45.65.1"), "AE UAENorth");
    assert_eq!(said(&regions, "20.1.1.1"), "nothing");
    assert_eq!(said(&regions, "13.107.246.200"), "edge AzureFrontDoor.Frontend");
}

#[test]
fn a_region_of_oracle_has_its_country() {
    let text = r#"{"last_updated_timestamp": "2026-11-18T19:02:38.149234", "regions": [
        {"region": "me-jeddah-1", "cidrs": [{"cidr": "129.151.0.0/18", "tags": ["OCI"]}]},
        {"region": "xx-nowhere-1", "cidrs": [{"cidr": "129.152.0.0/18", "tags": ["OCI"]}]}]}"#;
    let regions = read(Cloud::Oci, text);
    assert_eq!(said(&regions, "129.151.1.1"), "SA me-jeddah-1");
    assert_eq!(said(&regions, "129.152.1.1"), "nothing");
    assert_eq!(regions.dirt.count(Flaw::UnknownRegion), 1);
}

#[test]
fn the_file_of_another_cloud_or_no_file_at_all_is_refused() {
    for cloud in [Cloud::Gcp, Cloud::Azure, Cloud::Oci] {
        let fault = Regions::parse(cloud, AWS.as_bytes(), &countries()).unwrap_err().to_string();
        assert!(fault.contains(forms::name(cloud)), "{fault}");
    }
    for text in ["", "{}", "[]", "<html>", r#"{"prefixes": []}"#] {
        assert!(Regions::parse(Cloud::Aws, text.as_bytes(), &countries()).is_err(), "{text}");
    }
}

#[test]
fn the_table_names_each_region_once_and_none_at_home() {
    let text = include_str!("../../../../geodb/regions.csv");
    let table = countries();
    assert_eq!(table.len(), text.lines().count() - 1);
    assert!(text.lines().skip(1).all(|line| line == line.trim() && line.split(',').count() >= 4));
    assert!(table.0.values().all(|country| *country != CountryCode::PAKISTAN), "a region at home is news: see to it");
    for (cloud, region, country) in
        [(Cloud::Aws, "me-south-1", "BH"), (Cloud::Aws, "me-south-1-mct-1", "OM"), (Cloud::Azure, "eastasia", "HK")]
    {
        assert_eq!(table.country(cloud, region), country.parse().ok(), "{region}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for cloud in Cloud::ALL {
            let _ = Regions::parse(cloud, &bytes, &RegionCountries::default());
        }
    }

    #[test]
    fn arbitrary_values_in_a_form_never_panic(prefix in ".{0,20}", region in ".{0,12}", service in "[A-Z]{0,6}") {
        let entry = serde_json::json!({"ip_prefix": prefix, "region": region, "service": service});
        let text = serde_json::json!({"createDate": region, "prefixes": [entry]}).to_string();
        let _ = Regions::parse(Cloud::Aws, text.as_bytes(), &countries());
    }
}
