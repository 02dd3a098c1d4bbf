//! The settings that concern the network.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::setting::Setting;
use super::value::{OpsListen, Rate};
use super::{Checked, value};

/// How clients and operators reach the server, and how much of it one can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// How often clients and server show each other that they live: [`HEARTBEAT_MIN`](super::HEARTBEAT_MIN) to [`HEARTBEAT_MAX`](super::HEARTBEAT_MAX).
    pub heartbeat: Duration,
    /// Whether the port speaks TLS.
    pub tls: Tls,
    /// Names by which browsers reach the server, in small letters, beside its address and those of this machine.
    pub public_hosts: Vec<String>,
    /// Where operators ask.
    pub ops: OpsListen,
    /// How many connections an address can have at a time.
    pub connections_per_address: NonZeroU32,
    /// How fast an address can connect; `None`: as fast as it can.
    pub rate_connections: Option<Rate>,
    /// How fast an address can try to log in.
    pub rate_logins: Option<Rate>,
    /// How fast an address can make accounts.
    pub rate_registrations: Option<Rate>,
    /// How fast a user can give commands.
    pub rate_commands: Option<Rate>,
}

/// Whether the port speaks TLS. Then it speaks nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It does not.
    Off,
    /// With a certificate from somewhere.
    Files {
        /// The certificate and those that vouch for it, as PEM.
        cert: PathBuf,
        /// Its private key, as PEM.
        key: PathBuf,
    },
    /// With a certificate made here.
    SelfSigned,
}

impl Network {
    pub(super) fn of(checked: &mut Checked<'_>) -> Option<Self> {
        let heartbeat = checked.value(Setting::Heartbeat, value::heartbeat);
        let tls = Tls::of(checked);
        let public_hosts = match checked.is_given(Setting::PublicHost) {
            true => checked.value(Setting::PublicHost, value::public_hosts),
            false => Some(Vec::new()),
        };
        let ops = checked.value(Setting::OpsListen, value::ops_listen);
        let connections_per_address = checked.value(Setting::ConnectionsPerAddress, value::count);
        let rate_connections = checked.value(Setting::RateConnections, value::rate);
        let rate_logins = checked.value(Setting::RateLogins, value::rate);
        let rate_registrations = checked.value(Setting::RateRegistrations, value::rate);
        let rate_commands = checked.value(Setting::RateCommands, value::rate);
        Some(Self {
            heartbeat: heartbeat?,
            tls: tls?,
            public_hosts: public_hosts?,
            ops: ops?,
            connections_per_address: connections_per_address?,
            rate_connections: rate_connections?,
            rate_logins: rate_logins?,
            rate_registrations: rate_registrations?,
            rate_commands: rate_commands?,
        })
    }
}

impl Tls {
    fn of(checked: &mut Checked<'_>) -> Option<Self> {
        let cert = checked.value(Setting::TlsCert, value::file);
        let key = checked.value(Setting::TlsKey, value::file);
        let self_signed = checked.value(Setting::TlsSelfSigned, value::on_or_off)?;
        match (
            checked.is_given(Setting::TlsCert),
            checked.is_given(Setting::TlsKey),
        ) {
            (false, false) if self_signed => Some(Self::SelfSigned),
            (false, false) => Some(Self::Off),
            (true, true) if self_signed => {
                let expected = "goes not with tls-self-signed; one certificate is enough";
                checked.fault(Setting::TlsCert, expected);
                None
            }
            (true, true) => Some(Self::Files {
                cert: cert?,
                key: key?,
            }),
            (true, false) => {
                checked.fault(Setting::TlsCert, "needs its private key: give tls-key too");
                None
            }
            (false, true) => {
                checked.fault(Setting::TlsKey, "needs its certificate: give tls-cert too");
                None
            }
        }
    }
}
