//! The forms in which clouds publish their prefixes → prefixes with a region or a service.

use jiff::civil::Date;
use serde::Deserialize;

use super::{Cloud, Edge, Entry, Form};

/// What the form of a cloud is called.
pub(super) fn name(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Aws => "the ip-ranges.json of AWS",
        Cloud::Gcp => "the cloud.json of Google Cloud",
        Cloud::Azure => "the ServiceTags_Public.json of Azure",
        Cloud::Oci => "the public_ip_ranges.json of Oracle Cloud",
    }
}

/// Reads the form of a cloud.
pub(super) fn read(cloud: Cloud, bytes: &[u8]) -> Result<Form, serde_json::Error> {
    Ok(match cloud {
        Cloud::Aws => serde_json::from_slice::<Aws>(bytes)?.into_form(),
        Cloud::Gcp => serde_json::from_slice::<Gcp>(bytes)?.into_form(),
        Cloud::Azure => serde_json::from_slice::<Azure>(bytes)?.into_form(),
        Cloud::Oci => serde_json::from_slice::<Oci>(bytes)?.into_form(),
    })
}

/// Amazon's services whose addresses are served wherever is near: content delivery, anycast into the backbone, the name
/// servers of Route 53.
const AWS_EDGE: [&str; 4] = ["CLOUDFRONT", "CLOUDFRONT_ORIGIN_FACING", "GLOBALACCELERATOR", "ROUTE53"];

#[derive(Deserialize)]
struct Aws {
    #[serde(rename = "createDate")]
    create_date: Option<String>,
    prefixes: Vec<AwsPrefix>,
    #[serde(default)]
    ipv6_prefixes: Vec<AwsPrefix>,
}

#[derive(Deserialize)]
struct AwsPrefix {
    #[serde(alias = "ip_prefix", alias = "ipv6_prefix")]
    prefix: String,
    region: String,
    service: String,
    #[serde(default)]
    network_border_group: String,
}

impl Aws {
    fn into_form(self) -> Form {
        let entries = self.prefixes.into_iter().chain(self.ipv6_prefixes).map(AwsPrefix::into_entry).collect();
        Form { dated: day(self.create_date.as_deref()), entries }
    }
}

impl AwsPrefix {
    fn into_entry(self) -> (String, Entry) {
        let by_service = AWS_EDGE.contains(&self.service.as_str());
        let group = if self.network_border_group.is_empty() { self.region } else { self.network_border_group };
        let entry = if by_service || group == "GLOBAL" {
            Entry::Edge(Edge { service: self.service, by_service })
        } else {
            Entry::Region(group)
        };
        (self.prefix, entry)
    }
}

#[derive(Deserialize)]
struct Gcp {
    #[serde(rename = "creationTime")]
    creation_time: Option<String>,
    prefixes: Vec<GcpPrefix>,
}

#[derive(Deserialize)]
struct GcpPrefix {
    #[serde(alias = "ipv4Prefix", alias = "ipv6Prefix")]
    prefix: String,
    #[serde(default)]
    service: String,
    scope: String,
}

impl Gcp {
    fn into_form(self) -> Form {
        let entry = |GcpPrefix { prefix, service, scope }| {
            let edge = scope == "global";
            (prefix, if edge { Entry::Edge(Edge { service, by_service: false }) } else { Entry::Region(scope) })
        };
        Form { dated: day(self.creation_time.as_deref()), entries: self.prefixes.into_iter().map(entry).collect() }
    }
}

/// Microsoft's service of the edge; the tags of it begin with this name.
const AZURE_EDGE: &str = "AzureFrontDoor";

#[derive(Deserialize)]
struct Azure {
    values: Vec<AzureTag>,
}

#[derive(Deserialize)]
struct AzureTag {
    name: String,
    properties: AzureProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AzureProperties {
    #[serde(default)]
    region: String,
    #[serde(default)]
    address_prefixes: Vec<String>,
}

impl Azure {
    /// A tag without a region lists what is in many, and says nothing. The form has no day.
    fn into_form(self) -> Form {
        let mut entries = Vec::new();
        for AzureTag { name, properties } in self.values {
            let edge = name.split('.').next() == Some(AZURE_EDGE);
            for prefix in properties.address_prefixes {
                if edge {
                    entries.push((prefix, Entry::Edge(Edge { service: name.clone(), by_service: true })));
                } else if !properties.region.is_empty() {
                    entries.push((prefix, Entry::Region(properties.region.clone())));
                }
            }
        }
        Form { dated: None, entries }
    }
}

#[derive(Deserialize)]
struct Oci {
    last_updated_timestamp: Option<String>,
    regions: Vec<OciRegion>,
}

#[derive(Deserialize)]
struct OciRegion {
    region: String,
    #[serde(default)]
    cidrs: Vec<OciCidr>,
}

#[derive(Deserialize)]
struct OciCidr {
    cidr: String,
}

impl Oci {
    fn into_form(self) -> Form {
        let of_region = |OciRegion { region, cidrs }| {
            cidrs.into_iter().map(move |OciCidr { cidr }| (cidr, Entry::Region(region.clone())))
        };
        let entries = self.regions.into_iter().flat_map(of_region).collect();
        Form { dated: day(self.last_updated_timestamp.as_deref()), entries }
    }
}

/// The day at the beginning of a time, however the rest of it is written.
fn day(time: Option<&str>) -> Option<Date> {
    time?.get(..10)?.parse().ok()
}
