//! The guide's menu and tables, and the address that comes of them.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::client_configuration::{ClientConfiguration, Endpoint};
use crate::{Error, IngestAddress, Protocol};

fn server(id: u32, name: &str, priority: u32, is_available: bool, is_default: bool) -> IngestServer {
    IngestServer {
        id,
        name: name.into(),
        url_template: format!("rtmp://host{id}.contribute.live-video.net/app/{{stream_key}}"),
        url_template_secure: format!("rtmps://host{id}.contribute.live-video.net:443/app/{{stream_key}}"),
        is_available,
        priority,
        is_default,
    }
}

/// The guide's example ("Allow Users to Configure Streaming Destination"), in another order.
fn list() -> IngestList {
    IngestList {
        servers: vec![
            server(3, "US East: New York, NY", 9, true, false),
            server(1, "US East: Ashburn, VA (5)", 1, true, false),
            server(2, "US East: New York, NY (50)", 2, false, false),
            server(4, "EU: Paris (deprecated)", 0, true, true),
        ],
    }
}

fn configuration() -> ClientConfiguration {
    let endpoint = |protocol: Protocol, port| Endpoint {
        protocol,
        url_template: format!("{protocol}://iad05.contribute.live-video.net{port}/app/{{stream_key}}"),
        authentication: Some(Secret::new(format!("v1_{protocol}_7b2276223a317d"))),
    };
    ClientConfiguration {
        config_id: "d34c2f7e-ce3a-4be4-a6a0-f51960abbc4f".into(),
        ingest_endpoints: vec![endpoint(Protocol::Rtmp, ""), endpoint(Protocol::Rtmps, ":443")],
        ..ClientConfiguration::default()
    }
}

#[test]
fn the_menu_of_the_guide() {
    let menu = list().menu();
    let labels: Vec<&str> = menu.iter().map(|entry| entry.label.as_str()).collect();
    assert_eq!(
        labels,
        [
            "Auto (RTMPS, Recommended)",
            "Auto (RTMP)",
            "US East: Ashburn, VA (5) (RTMPS)",
            "US East: New York, NY (50) (RTMPS)",
            "US East: New York, NY (RTMPS)",
            "US East: Ashburn, VA (5) (RTMP)",
            "US East: New York, NY (50) (RTMP)",
            "US East: New York, NY (RTMP)",
            "Specify Custom Server",
        ]
    );
    assert_eq!(menu.iter().filter(|entry| !entry.is_available).count(), 2);
    assert_eq!(
        menu[3].choice,
        Some(ServerChoice::Listed { name: "US East: New York, NY (50)".into(), secure: true })
    );
    assert_eq!(menu.last().unwrap().choice, None);
    assert_eq!(IngestList::default().menu().len(), 3);
}

#[test]
fn auto_is_the_default_or_the_lowest_priority_that_is_available() {
    let auto = |list: &IngestList| list.auto().map(|server| server.id);
    let mut list = list();
    assert_eq!(auto(&list), Some(1));
    list.servers[0].is_default = true;
    assert_eq!(auto(&list), Some(3));
    list.servers[0].is_available = false;
    assert_eq!(auto(&list), Some(1));
    list.servers[1].is_available = false;
    assert_eq!(auto(&list), None);
}

#[test]
fn reads_what_the_service_answers() {
    // obs-multitrack.md 2.2.
    let answer =
        br#"{"ingests":[{"_id":33,"availability":1.0,"default":false,"name":"Europe: Germany, Frankfurt (5)",
        "priority":1,"url_template":"rtmp://fra05.contribute.live-video.net/app/{stream_key}",
        "url_template_secure":"rtmps://fra05.contribute.live-video.net:443/app/{stream_key}"}]}"#;
    let list = parse(answer).unwrap();
    assert_eq!(list.servers[0].id, 33);
    assert!(list.servers[0].is_available && !list.servers[0].is_default);
    assert_eq!(
        list.servers[0].template(true),
        "rtmps://fra05.contribute.live-video.net:443/app/{stream_key}"
    );
    assert_eq!(parse(list.to_json().as_bytes()), Ok(list));
}

#[test]
fn wrong_answers_are_told_by_path() {
    let told = |answer: serde_json::Value| parse(answer.to_string().as_bytes()).unwrap_err().to_string();
    assert_eq!(told(json!({})), "ingests is missing in the answer");
    assert_eq!(told(json!([])), "the whole in the answer is a list, not an object");
    assert_eq!(told(json!({"ingests": {}})), "ingests in the answer is an object, not a list");
    let mut answer: serde_json::Value = serde_json::from_str(&list().to_json()).unwrap();
    answer["ingests"][2]["priority"] = json!("high");
    assert_eq!(told(answer), "ingests[2].priority in the answer is a text, not a whole number");
    assert!(matches!(parse(b"<html>"), Err(AnswerError::NotJson { line: 1, .. })));
    assert!(matches!(parse(&vec![b' '; 2 << 20]), Err(AnswerError::TooLarge { .. })));
}

/// Name of the choice, whether there is a configuration and a list, and the address that comes of them.
#[test]
fn the_guides_tables() {
    let (configuration, list) = (configuration(), list());
    let (auto, plain) = (ServerChoice::Auto { secure: true }, ServerChoice::Auto { secure: false });
    let listed = ServerChoice::Listed { name: "US East: New York, NY".into(), secure: true };
    let custom = ServerChoice::Custom(Secret::new("rtmps://127.0.0.1:8443/app"));
    let url =
        |choice: &ServerChoice, configuration: Option<&ClientConfiguration>, list: Option<&IngestList>| {
            let destination = resolve(choice, configuration, list).unwrap();
            let address = destination.address(&Secret::new("sk_us-west-2_EXAMPLE")).unwrap();
            address.to_url(&Secret::default()).expose().to_owned()
        };
    let id = "?clientConfigId=d34c2f7e-ce3a-4be4-a6a0-f51960abbc4f";
    // Both are there.
    assert_eq!(
        url(&auto, Some(&configuration), Some(&list)),
        format!("rtmps://iad05.contribute.live-video.net:443/app/v1_rtmps_7b2276223a317d{id}")
    );
    assert_eq!(
        url(&plain, Some(&configuration), None),
        format!("rtmp://iad05.contribute.live-video.net/app/v1_rtmp_7b2276223a317d{id}")
    );
    assert_eq!(
        url(&listed, Some(&configuration), Some(&list)),
        format!("rtmps://host3.contribute.live-video.net:443/app/v1_rtmps_7b2276223a317d{id}")
    );
    assert_eq!(
        url(&custom, Some(&configuration), Some(&list)),
        format!("rtmps://127.0.0.1:8443/app/v1_rtmp_7b2276223a317d{id}")
    );
    // FindIngest alone, then nothing.
    assert_eq!(
        url(&auto, None, Some(&list)),
        "rtmps://host1.contribute.live-video.net:443/app/sk_us-west-2_EXAMPLE"
    );
    assert_eq!(
        url(&plain, None, None),
        "rtmp://ingest.global-contribute.live-video.net/app/sk_us-west-2_EXAMPLE"
    );
    assert_eq!(
        url(&auto, None, Some(&IngestList::default())),
        "rtmps://ingest.global-contribute.live-video.net:443/app/sk_us-west-2_EXAMPLE"
    );
    assert_eq!(url(&custom, None, None), "rtmps://127.0.0.1:8443/app/sk_us-west-2_EXAMPLE");
}

#[test]
fn choices_that_lead_nowhere() {
    let listed = |name: &str| ServerChoice::Listed { name: name.into(), secure: true };
    let told =
        |choice: &ServerChoice, configuration: Option<&ClientConfiguration>, list: Option<&IngestList>| {
            resolve(choice, configuration, list).unwrap_err().to_string()
        };
    let list = list();
    assert_eq!(
        told(&listed("Mars"), None, Some(&list)),
        "Mars is no longer among the ingests; choose another"
    );
    assert_eq!(
        told(&listed("US East: New York, NY (50)"), None, Some(&list)),
        "US East: New York, NY (50) takes no streams at the moment; choose another"
    );
    assert_eq!(
        told(&listed("Mars"), None, None),
        "the list of ingests is not known, and Mars is one of them"
    );
    let mut configuration = configuration();
    configuration.ingest_endpoints.truncate(1);
    assert_eq!(
        told(&ServerChoice::Auto { secure: true }, Some(&configuration), Some(&list)),
        "the service named no ingest for rtmps"
    );
}

#[test]
fn the_persons_arguments_are_kept() {
    let destination = resolve(&ServerChoice::Auto { secure: false }, Some(&configuration()), None).unwrap();
    let address =
        destination.address(&Secret::new("sk_us-west-2_EXAMPLE?bandwidthtest=1&priority=5")).unwrap();
    assert_eq!(address.priority(), Some(5));
    let target = address.rtmp_target(&Secret::default()).unwrap();
    assert_eq!(
        target.stream_name.expose(),
        "v1_rtmp_7b2276223a317d?bandwidthtest=1&priority=5&clientConfigId=d34c2f7e-ce3a-4be4-a6a0-f51960abbc4f"
    );
    assert_eq!(
        address.to_string(),
        "rtmp://iad05.contribute.live-video.net/app?bandwidthtest=1&priority=5&\
         clientConfigId=d34c2f7e-ce3a-4be4-a6a0-f51960abbc4f"
    );
    // An address with key and arguments of its own: the promised key takes its place.
    let custom = ServerChoice::Custom(Secret::new("rtmp://127.0.0.1/app/sk_us-west-2_OTHER?priority=2"));
    let destination = resolve(&custom, Some(&configuration()), None).unwrap();
    let address = destination.address(&Secret::new("sk_us-west-2_EXAMPLE?priority=7")).unwrap();
    assert_eq!(address.priority(), Some(7));
    assert_eq!(address.key().unwrap().expose(), "v1_rtmp_7b2276223a317d");
    let destination = resolve(&custom, None, None).unwrap();
    let address = destination.address(&Secret::new("sk_us-west-2_EXAMPLE")).unwrap();
    assert_eq!(address.key().unwrap().expose(), "sk_us-west-2_OTHER");
}

#[test]
fn wrong_arguments_are_refused() {
    let template = "rtmps://host.example/app/{stream_key}";
    let from = |key: &str| IngestAddress::from_template(template, &Secret::new(key)).map(|_| ());
    assert_eq!(from("sk_us-west-2_EXAMPLE?priority=0"), Err(Error::PriorityOutOfRange));
    assert_eq!(from("sk_us-west-2_EXAMPLE?a=b c"), Err(Error::AddressUnreadable));
    assert_eq!(from("sk_us-west-2_EXAMPLE?=b"), Err(Error::AddressUnreadable));
    assert_eq!(from("sk_us-west-2_EXAMPLE?&&"), Ok(()));
    assert_eq!(from(""), Ok(()));
    let address = IngestAddress::from_template(template, &Secret::new("k")).unwrap();
    assert!(address.clone().with_argument("clientConfigId", "a&b=c").is_err());
    assert!(address.clone().with_argument("a=b", "c").is_err());
    let twice = address.with_argument("x", "1").unwrap().with_argument("x", "2").unwrap();
    assert_eq!(twice.rtmp_target(&Secret::default()).unwrap().stream_name.expose(), "k?x=2");
}

proptest! {
    #[test]
    fn any_list_reads_back(
        rows in prop::collection::vec((any::<u32>(), ".{0,20}", any::<u32>(), any::<bool>(), any::<bool>()), 0..6)
    ) {
        let servers = rows.into_iter().map(|(id, name, priority, is_available, is_default)| {
            server(id, &name, priority, is_available, is_default)
        });
        let list = IngestList { servers: servers.collect() };
        prop_assert_eq!(parse(list.to_json().as_bytes()), Ok(list.clone()));
        if let Some(auto) = list.auto() {
            prop_assert!(auto.is_available && !auto.is_deprecated());
            let better = |other: &&IngestServer| {
                other.is_available && !other.is_deprecated() && other.priority < auto.priority
            };
            prop_assert!(auto.is_default || !list.servers.iter().any(|other| better(&other)));
        }
    }

    #[test]
    fn anything_is_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }
}
