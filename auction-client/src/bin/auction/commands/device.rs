//! `auction device`, `auction device add`, `auction device remove NAME|NUMBER`

use auction_client::{AddDevice, Code, ListDevices, ListedDevice};
use auction_core::{DeviceKey, Name, RequestId};
use auction_proto::SigningKey;
use serde_json::{Value, json};

use crate::args::relay::DeviceAction;
use crate::output::colour::Colour;
use crate::output::escape::Escaped;
use crate::output::failure::Failure;
use crate::output::table::{Side, Table, Tone};
use crate::output::time::moment;
use crate::session::Context;
use crate::session::device_key::{DeviceFile, StoredDevice};

pub async fn run(context: &Context, action: Option<DeviceAction>) -> Result<(), Failure> {
    let user = context.resume().await?.name;
    let file = DeviceFile::new(&context.state_dir, &context.server.to_string());
    match action {
        None => list(context, &file).await,
        Some(DeviceAction::Add { name }) => add(context, &file, user, name).await,
        Some(DeviceAction::Remove { which }) => remove(context, &file, &which).await,
    }
}

async fn add(context: &Context, file: &DeviceFile, user: Name, label: Name) -> Result<(), Failure> {
    let market = context.market_key()?;
    let listed = context.client.ask(ListDevices {}).await?.devices.into_vec();
    if let Some(kept) = file.load()?
        && kept.market.market == market.market
        && kept.user == user
        && listed.iter().any(|device| device.device == kept.number)
    {
        let StoredDevice { label, number, .. } = kept;
        let message = format!(
            "this machine is a device of {user} already: {label}, number {number}; `auction device remove {number}` \
             removes it"
        );
        return Err(Failure::refused(Code::UNCHANGED, message));
    }
    // Reserve the key's file first: a device whose key is lost is useless, but still counts.
    let reserved = file.reserve()?;
    let secret: [u8; 32] = rand::random();
    let key = SigningKey::new(&secret).public();
    let asked = AddDevice {
        key: DeviceKey(key.0),
        label,
    };
    let number = context.client.ask(asked).await?;
    let kept = StoredDevice {
        user,
        label,
        market,
        number,
        secret,
        next: RequestId(1),
    };
    if let Err(failure) = file.save_in(reserved, &kept) {
        let why = failure.message();
        return Err(Failure::failed(
            match context.client.close_session(number).await {
                Ok(()) => format!("{why}; device {number} was removed again"),
                Err(error) => format!(
                    "{why}; device {number} was added, and removing it failed too: {}; remove it with \
                     `auction device remove {number}`",
                    Escaped(error)
                ),
            },
        ));
    }
    context.out.print(
        |_| {
            format!(
                "This machine is {label} now, device {number} of {user}: it can bid through relays.\n\
                 Next: auction bid SYMBOL PRICE --through ADDRESS"
            )
        },
        || json!({ "device": number.0, "label": label.as_str(), "user": user.as_str() }),
    )
}

async fn list(context: &Context, file: &DeviceFile) -> Result<(), Failure> {
    let devices = context.client.ask(ListDevices {}).await?.devices.into_vec();
    let here = file.load()?.map(|kept| kept.number);
    let is_here = |device: &ListedDevice| here == Some(device.device);
    context.out.print(
        |colour| text(&devices, is_here, colour),
        || {
            let listed = devices
                .iter()
                .map(|device| as_json(device, is_here(device)));
            json!({ "devices": listed.collect::<Vec<_>>() })
        },
    )
}

async fn remove(context: &Context, file: &DeviceFile, which: &str) -> Result<(), Failure> {
    let devices = context.client.ask(ListDevices {}).await?.devices.into_vec();
    let is_meant = |device: &&ListedDevice| {
        device.label.as_str() == which || device.device.to_string() == which
    };
    let meant: Vec<_> = devices.iter().filter(is_meant).collect();
    let device = match meant.as_slice() {
        [one] => *one,
        [] => {
            let message =
                format!("you have no device {which}; `auction device` lists those you have");
            return Err(Failure::refused(Code::UNKNOWN_DEVICE, message));
        }
        several => {
            let numbers: Vec<_> = several
                .iter()
                .map(|device| device.device.to_string())
                .collect();
            return Err(Failure::usage(format!(
                "several devices are called {which}; say which by its number: {}",
                numbers.join(", ")
            )));
        }
    };
    context.client.close_session(device.device).await?;
    if file
        .load()?
        .is_some_and(|kept| kept.number == device.device)
    {
        file.forget()?;
    }
    let (number, label) = (device.device, device.label);
    context.out.print(
        |_| {
            format!("Device {number}, {label}, is removed: requests signed with its key are refused from now on.")
        },
        || json!({ "device": number.0, "label": label.as_str(), "removed": true }),
    )
}

fn text(
    devices: &[ListedDevice],
    is_here: impl Fn(&ListedDevice) -> bool,
    colour: Colour,
) -> String {
    if devices.is_empty() {
        return "You have no devices. `auction device add` makes this machine one: then it can bid through relays."
            .to_owned();
    }
    let mut table = Table::new(&[
        ("DEVICE", Side::Right),
        ("NAME", Side::Left),
        ("ADDED", Side::Left),
        ("", Side::Left),
    ]);
    for device in devices {
        let here = if is_here(device) { "this one" } else { "" };
        let cells = vec![
            device.device.to_string(),
            device.label.to_string(),
            moment(device.added_at),
            here.to_owned(),
        ];
        table.row(Tone::Usual, cells);
    }
    table.print(colour)
}

fn as_json(device: &ListedDevice, here: bool) -> Value {
    json!({
        "device": device.device.0,
        "label": device.label.as_str(),
        "added_at": device.added_at.to_string(),
        "this_one": here,
    })
}
