//! `users.csv`: what a file may hold, what is said of a wrong one, and that an import changes nothing twice.

use auction_core::{
    AccountMode, Amount, Asset, Caller, Command, Engine, Listing, MarketId, Price, Profit, Role,
    SecurityCode, Symbol, Timestamp,
};
use auction_server::testing::config::csv::users::{Import, read};
use auction_server::testing::platform::password::{Checker, Memory, Password};

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A market that lists AAPL.
fn engine() -> Engine {
    let mut engine = Engine::new(MarketId([1; 16]));
    let listing = Listing {
        symbol: Symbol::parse("AAPL").unwrap(),
        security: SecurityCode::parse("01954").unwrap(),
        price: Price::UNIT,
        profit: Profit::default(),
    };
    execute(&mut engine, Command::ListStock(listing));
    engine
}

fn execute(engine: &mut Engine, command: Command) {
    engine
        .execute(Timestamp::from_secs(1), Caller::Operator, command)
        .unwrap();
}

fn import(engine: &Engine, text: &str) -> Result<Import, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.csv");
    std::fs::write(&path, text).unwrap();
    close_to_others(&path);
    let prefix = format!("{}/", folder.path().display());
    let mut import = read(&path, engine.market(), &mut |_| {})
        .map_err(|error| error.to_string().replace(&prefix, ""))?;
    for warning in &mut import.warnings {
        *warning = warning.replace(&prefix, "");
    }
    Ok(import)
}

fn close_to_others(path: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}

#[test]
fn hashes_and_plain_passwords_become_accounts_of_every_role() {
    let text = format!(
        "role,symbol,name,password_hash,password\n\
         trader,,Mia,\"{HASH}\",\n\
         COMPANY,aapl,apple,,\"correct, horse\"\n\
         auctioneer,,tom,\"{HASH}\",\n"
    );
    let import = import(&engine(), &text).unwrap();
    let registrations = import.accounts.into_iter().map(|account| {
        assert_eq!(account.deposits, []);
        account.registration
    });
    let [mia, apple, tom] = registrations.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((mia.name.as_str(), mia.role), ("mia", Role::Trader));
    assert_eq!(mia.credential.as_bytes(), HASH.as_bytes());
    assert_eq!(apple.role, Role::Company(Symbol::parse("AAPL").unwrap()));
    let password = Password::new("correct, horse".to_owned()).unwrap();
    assert!(Checker::default().check(Some(&apple.credential), &password, &mut Memory::default()));
    assert_eq!((tom.name.as_str(), tom.role), ("tom", Role::Auctioneer));
    assert_eq!(import.present, 0);
}

#[test]
fn a_second_import_finds_all_accounts_there_and_changes_none() {
    let mut engine = engine();
    let text =
        format!("name,role,password_hash\nmia,trader,\"{HASH}\"\ntom,auctioneer,\"{HASH}\"\n");
    for account in import(&engine, &text).unwrap().accounts {
        execute(&mut engine, Command::Register(account.registration.into()));
    }
    let again = import(&engine, &text).unwrap();
    assert_eq!(
        (again.accounts.len(), again.present, again.warnings.len()),
        (0, 2, 0)
    );

    let other = "name,role,password\nmia,auctioneer,another\n";
    let changed = import(&engine, other).unwrap();
    assert_eq!((changed.accounts.len(), changed.present), (0, 1));
    assert!(changed.warnings[0].starts_with("users.csv:2: mia is there already with another role"));
}

#[test]
fn plain_passwords_on_disk_are_warned_about_at_each_start_and_never_shown() {
    let mut engine = engine();
    let text = "name,role,password\nmia,trader,hunter2\n\ntom,trader,hunter3\n";
    let first = import(&engine, text).unwrap();
    let expected = "users.csv: plain passwords lie on disk, in line 2, 4; once imported, the rows can be deleted";
    assert_eq!(first.warnings, [expected]);
    assert!(!format!("{first:?}").contains("hunter"));
    for account in first.accounts {
        execute(&mut engine, Command::Register(account.registration.into()));
    }
    assert_eq!(import(&engine, text).unwrap().warnings, [expected]);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.csv");
    std::fs::write(
        &path,
        format!("name,role,password_hash\nmia,trader,\"{HASH}\"\n"),
    )
    .unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = read(&path, engine().market(), &mut |_| {})
        .unwrap()
        .warnings;
    assert!(warnings[0].contains("other users of this machine can read it; say chmod 600"));
}

/// The market of [`engine`], on funds, with another stock.
fn funded() -> Engine {
    let mut engine = Engine::new(MarketId([1; 16]));
    let mode = AccountMode::Funds;
    execute(&mut engine, Command::SetAccounts { mode });
    for symbol in ["AAPL", "BRK.B"] {
        execute(
            &mut engine,
            Command::ListStock(Listing {
                symbol: Symbol::parse(symbol).unwrap(),
                security: SecurityCode::parse("01954").unwrap(),
                price: Price::UNIT,
                profit: Profit::default(),
            }),
        );
    }
    engine
}

#[test]
fn traders_of_a_market_on_funds_begin_with_cash_and_shares() {
    let text = "\
name,role,password,cash,holdings
mia,trader,secret word,1000.50,AAPL:100 brk.b:50
tom,trader,secret word,,
noa,trader,secret word,0,BRK.B:1
ann,auctioneer,secret word,,
";
    let import = import(&funded(), text).unwrap();
    let shares = |symbol, shares: &str| Asset::Shares {
        symbol: Symbol::parse(symbol).unwrap(),
        quantity: shares.parse().unwrap(),
    };
    let cash = Asset::Cash(Amount::parse("1000.50").unwrap());
    let expected = [
        (2, vec![cash, shares("AAPL", "100"), shares("BRK.B", "50")]),
        (3, vec![]),
        (4, vec![shares("BRK.B", "1")]),
        (5, vec![]),
    ];
    let accounts = import.accounts.into_iter();
    let read: Vec<_> = accounts.map(|new| (new.line, new.deposits)).collect();
    assert_eq!(read, expected);
}

#[test]
fn what_traders_cannot_begin_with_is_named_by_line_and_column() {
    let head = "name,role,password,symbol,cash,holdings\n";
    let cases = [
        (
            "mia,trader,word,,12.5x,\n",
            "users.csv:2: cash \"12.5x\" is not a decimal; expected for example 12.50",
        ),
        (
            "ann,auctioneer,word,,5,AAPL:1\n",
            "users.csv:2: cash \"5\" goes with the role trader alone\n\
             users.csv:2: holdings \"AAPL:1\" goes with the role trader alone",
        ),
        (
            "apple,company,word,AAPL,,AAPL:1\n",
            "users.csv:2: holdings \"AAPL:1\" goes with the role trader alone",
        ),
        (
            "mia,trader,word,,,AAPL\n",
            "users.csv:2: holdings \"AAPL\" is no symbol with a number of shares; expected for example AAPL:100",
        ),
        (
            "mia,trader,word,,,AAPL:0 MSFT:5\n",
            "users.csv:2: holdings \"AAPL:0\": \"0\" is no number of shares; expected 1 to 1000000000000\n\
             users.csv:2: holdings \"MSFT:5\": MSFT is not listed; expected one of stocks.csv",
        ),
        (
            "mia,trader,word,,,AAPL:1 aapl:2\n",
            "users.csv:2: holdings name AAPL twice",
        ),
    ];
    for (rows, expected) in cases {
        let said = import(&funded(), &format!("{head}{rows}")).unwrap_err();
        assert_eq!(said, expected, "{rows:?}");
    }
    let said = import(&engine(), &format!("{head}mia,trader,word,,5,\n")).unwrap_err();
    assert_eq!(
        said,
        "users.csv:2: cash \"5\" is for a market that runs on funds, and this one runs on credit; leave it empty, or \
         begin a new market with --accounts funds"
    );
}

#[test]
fn no_file_is_no_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let import = read(
        &folder.path().join("users.csv"),
        engine().market(),
        &mut |_| {},
    )
    .unwrap();
    assert_eq!((import.accounts.len(), import.warnings.len()), (0, 0));
}

#[test]
fn every_fault_is_named_by_line_and_no_secret_is_shown() {
    let head = "name,role,password_hash,password,symbol\n";
    let cases = [
        (
            "a,trader,,s3cret,\n",
            "users.csv:2: name \"a\" is not a name; expected 2 to 32",
        ),
        (
            "=cmd,trader,,s3cret,\n",
            "users.csv:2: name \"=cmd\" is not a name",
        ),
        (
            "mia,king,,s3cret,\n",
            "users.csv:2: role \"king\" is unknown; expected trader, company or auctioneer",
        ),
        (
            "mia,trader,,,\n",
            "users.csv:2: there is neither a password_hash nor a password",
        ),
        (
            "mia,trader,s3cret,s3cret,\n",
            "users.csv:2: there are both a password_hash and a password",
        ),
        (
            "mia,trader,s3cret,,\n",
            "users.csv:2: password_hash is no password hash; expected a PHC string",
        ),
        (
            "mia,trader,$2b$12$s3crets3crets3cret,,\n",
            "users.csv:2: password_hash is no password hash",
        ),
        (
            "apple,company,,s3cret,\n",
            "users.csv:2: a company needs the symbol of its stock",
        ),
        (
            "apple,company,,s3cret,MSFT\n",
            "users.csv:2: symbol MSFT is not listed",
        ),
        (
            "apple,company,,s3cret,?\n",
            "users.csv:2: symbol \"?\" is not a symbol",
        ),
        (
            "mia,trader,,s3cret,AAPL\n",
            "users.csv:2: symbol \"AAPL\" goes with the role company alone",
        ),
        (
            "mia,trader,,s3cret,\nMIA,trader,,s3cret,\n",
            "users.csv:3: name mia is there already, in line 2",
        ),
        (
            "mia,trader,,s3cret\n",
            "users.csv:2: there are 4 values where the header names 5",
        ),
    ];
    for (rows, expected) in cases {
        let said = import(&engine(), &format!("{head}{rows}")).unwrap_err();
        assert!(said.starts_with(expected), "{rows:?}: {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    let costly = HASH.replace("m=19456", "m=4194304");
    let said = import(&engine(), &format!("{head}mia,trader,\"{costly}\",,\n")).unwrap_err();
    assert!(
        said.starts_with("users.csv:2: password_hash is too costly"),
        "{said}"
    );
}
