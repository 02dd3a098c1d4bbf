//! The network settings.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::setting::Setting;
use super::value::{OpsListen, Rate, RegistrationMode};
use super::{AddressRange, Checked, value};

/// Network addresses and limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Interval of heartbeats between clients and server: [`HEARTBEAT_MIN`](super::HEARTBEAT_MIN) to
    /// [`HEARTBEAT_MAX`](super::HEARTBEAT_MAX).
    pub heartbeat: Duration,
    /// TLS mode of the port.
    pub tls: Tls,
    /// Names by which browsers reach the server, in lower case, beside its address and those of this machine.
    pub public_hosts: Vec<String>,
    /// Path of the page behind a proxy that passes it on: empty, or `/` and names, without `/` at its end.
    pub base_path: String,
    /// Addresses of proxies that name the clients for whom they connect.
    pub trusted_proxies: Vec<AddressRange>,
    /// Expects a header of the PROXY protocol at the beginning of connections of these proxies.
    pub proxy_protocol: bool,
    /// Address for operators.
    pub ops: OpsListen,
    /// Maximum number of simultaneous connections from one address.
    pub connections_per_address: NonZeroU32,
    /// Maximum rate of new connections from one address; `None`: unlimited.
    pub rate_connections: Option<Rate>,
    /// Maximum rate of login attempts from one address.
    pub rate_logins: Option<Rate>,
    /// Maximum rate of failed logins to one account from one address.
    pub rate_failed_logins: Option<Rate>,
    /// True if lots can be trading days, which clients of version 1 cannot read: they are closed then.
    pub trading_days: bool,
    /// Registration over the network.
    pub registration: RegistrationMode,
    /// Maximum rate of new accounts from one address.
    pub rate_registrations: Option<Rate>,
    /// Maximum rate of commands from one user.
    pub rate_commands: Option<Rate>,
}

/// TLS mode of the port. With TLS it accepts nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// No TLS.
    Off,
    /// With a certificate from files.
    Files {
        /// The certificate chain, as PEM.
        cert: PathBuf,
        /// Its private key, as PEM.
        key: PathBuf,
    },
    /// With a self-signed certificate.
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
        let base_path = checked.value(Setting::BasePath, value::base_path);
        let trusted_proxies = match checked.is_given(Setting::TrustedProxy) {
            true => checked.value(Setting::TrustedProxy, value::trusted_proxies),
            false => Some(Vec::new()),
        };
        let proxy_protocol = checked.value(Setting::ProxyProtocol, value::on_or_off);
        if proxy_protocol == Some(true) && !checked.is_given(Setting::TrustedProxy) {
            let expected =
                "needs the addresses of the proxies that send it: give trusted-proxy too";
            checked.fault(Setting::ProxyProtocol, expected);
        }
        let ops = checked.value(Setting::OpsListen, value::ops_listen);
        let connections_per_address = checked.value(Setting::ConnectionsPerAddress, value::count);
        let rate_connections = checked.value(Setting::RateConnections, value::rate);
        let rate_logins = checked.value(Setting::RateLogins, value::rate);
        let rate_failed_logins = checked.value(Setting::RateFailedLogins, value::rate);
        let trading_days = checked.value(Setting::TradingDays, value::on_or_off);
        let registration = checked.value(Setting::Registration, value::registration);
        let rate_registrations = checked.value(Setting::RateRegistrations, value::rate);
        let rate_commands = checked.value(Setting::RateCommands, value::rate);
        Some(Self {
            heartbeat: heartbeat?,
            tls: tls?,
            public_hosts: public_hosts?,
            base_path: base_path?,
            trusted_proxies: trusted_proxies?,
            proxy_protocol: proxy_protocol?,
            ops: ops?,
            connections_per_address: connections_per_address?,
            rate_connections: rate_connections?,
            rate_logins: rate_logins?,
            rate_failed_logins: rate_failed_logins?,
            trading_days: trading_days?,
            registration: registration?,
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
