//! Exports beside a journal that is still open.

use auction_server::testing::cli::export::{ExportError, export};
use auction_server::testing::cli::{Format, What};
use auction_server::testing::config::data_dir::DataDir;
use auction_server::testing::projections::market_data::bar_rows::BarLength;

use crate::stage::{SECRET, Stage};

fn exported(stage: &Stage, what: What, format: Format) -> String {
    let mut out = Vec::new();
    let every = BarLength::MINUTE;
    export(&stage.folder(), what, format, every, &mut out, &mut |_| {}).unwrap();
    String::from_utf8(out).unwrap()
}

fn played() -> Stage {
    let mut stage = Stage::on_disk();
    stage.play();
    stage
}

#[test]
fn users_are_told_with_their_roles_and_never_with_a_credential() {
    let stage = played();
    assert_eq!(
        exported(&stage, What::Users, Format::Csv),
        "name,role,symbol\nmia,trader,\ntom,trader,\napple,company,AAPL\nann,auctioneer,\n"
    );
    assert_eq!(
        exported(&stage, What::Users, Format::Json),
        "[\n{\"name\":\"mia\",\"role\":\"trader\",\"symbol\":null},\n\
         {\"name\":\"tom\",\"role\":\"trader\",\"symbol\":null},\n\
         {\"name\":\"apple\",\"role\":\"company\",\"symbol\":\"AAPL\"},\n\
         {\"name\":\"ann\",\"role\":\"auctioneer\",\"symbol\":null}\n]\n"
    );
}

#[test]
fn bids_are_in_order_and_a_maximum_shows_the_lots_price() {
    let mut stage = played();
    let expected = "\
sequence,time,user,symbol,price,lot
10,2026-11-22T13:00:02.000000Z,mia,AAPL,1.40,1
11,2026-11-22T13:00:03.000000Z,tom,AAPL,1.41,1
12,2026-11-22T13:00:04.000000Z,mia,AAPL,1.50,1
14,2026-11-22T13:00:06.000000Z,mia,BRK.B,10.00,2
";
    assert_eq!(exported(&stage, What::Bids, Format::Csv), expected);

    // The journal grows, and so does the next export.
    stage.bid(7, 2, 2, "11");
    let more = exported(&stage, What::Bids, Format::Csv);
    assert_eq!(
        more,
        format!("{expected}15,2026-11-22T13:00:07.000000Z,tom,BRK.B,11.00,2\n")
    );

    let json = exported(&stage, What::Bids, Format::Json);
    assert!(json.starts_with(
        "[\n{\"sequence\":\"10\",\"time\":\"2026-11-22T13:00:02.000000Z\",\"user\":\"mia\",\"symbol\":\"AAPL\",\"price\":\"1.40\",\"lot\":1},\n"
    ));
    let rows: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert_eq!(rows.len(), 5);
}

#[test]
fn results_are_told_once_a_lot_has_closed() {
    let mut stage = played();
    let header = "lot,symbol,quantity,base_price,opened,closed,winner,price,why,runner_up,bids,bidders,extensions,shares,surplus\n";
    assert_eq!(exported(&stage, What::Results, Format::Csv), header);
    assert_eq!(exported(&stage, What::Results, Format::Json), "[\n]\n");

    stage.close_all();
    let times = "2026-11-22T13:00:00.000000Z,2026-11-22T13:05:00.000000Z";
    assert_eq!(
        exported(&stage, What::Results, Format::Csv),
        format!(
            "{header}1,AAPL,100,1.32,{times},tom,1.51,highest-bid,1.50,3,2,0,100,\n\
             2,BRK.B,1,0.00,{times},,,reserve-not-met,10.00,1,1,0,0,\n\
             3,BRK.B,1,0.00,{times},,,no-bids,,0,0,0,0,\n"
        )
    );
    let rows: Vec<serde_json::Value> =
        serde_json::from_str(&exported(&stage, What::Results, Format::Json)).unwrap();
    assert_eq!(rows[0]["winner"], "tom");
    assert_eq!(rows[0]["lot"], 1);
    assert_eq!(rows[2]["price"], serde_json::Value::Null);
}

#[test]
fn of_a_call_the_step_that_decided_and_the_surplus_are_told() {
    let mut stage = Stage::on_disk();
    stage.play_calls();
    let told = exported(&stage, What::Results, Format::Csv);
    let rows: Vec<_> = told.lines().skip(1).collect();
    assert!(
        rows[0].ends_with(",,11.00,uncross-pressure,,,2,0,80,20"),
        "{told}"
    );
    assert!(
        rows[1].ends_with(",,10.00,uncross-pressure,,,2,0,50,-20"),
        "{told}"
    );
}

#[test]
fn nothing_hidden_is_in_any_export() {
    let mut stage = played();
    stage.close_all();
    for what in [What::Users, What::Bids, What::Results] {
        for format in [Format::Csv, Format::Json] {
            let text = exported(&stage, what, format);
            for hidden in [SECRET, "7.77", "8.88", "50.00"] {
                assert!(!text.contains(hidden), "{what:?} tells {hidden}: {text}");
            }
        }
    }
}

#[test]
fn a_folder_without_a_market_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::new(folder.path());
    let error = export(
        &data,
        What::Bids,
        Format::Csv,
        BarLength::MINUTE,
        &mut Vec::new(),
        &mut |_| {},
    )
    .unwrap_err();
    assert!(matches!(error, ExportError::NoMarket(_)));
    assert!(
        error.to_string().contains("there is no market in"),
        "{error}"
    );
}

#[test]
fn whoever_has_seen_enough_ends_the_export() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let stage = played();
    for format in [Format::Csv, Format::Json] {
        let error = export(
            &stage.folder(),
            What::Bids,
            format,
            BarLength::MINUTE,
            &mut Closed,
            &mut |_| {},
        )
        .unwrap_err();
        let ExportError::Output(error) = error else {
            panic!("{error}")
        };
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }
}
