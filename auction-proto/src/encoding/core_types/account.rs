//! Accounts and stocks.

use auction_core::{
    Access, Credential, CredentialChange, DeviceKey, Listing, Name, NewDevice, NewSession, Price,
    Profit, Registration, Role, SecurityCode, SessionId, Stock, Symbol, Timestamp, TokenHash,
    UserId,
};

form!(enum RoleForm: Role = "auction_core::Role" {
    0 = Trader,
    1 = Company(Symbol),
    2 = Auctioneer,
});

form!(struct RegistrationForm: Registration = "auction_core::Registration" {
    name: Name,
    role: Role,
    credential: Credential,
});

form!(struct CredentialChangeForm: CredentialChange = "auction_core::CredentialChange" {
    user: UserId,
    credential: Credential,
    keep: Option<SessionId>,
});

form!(enum AccessForm: Access = "auction_core::Access" {
    0 = Open,
    1 = Locked,
    2 = Closed,
});

form!(struct NewSessionForm: NewSession = "auction_core::NewSession" {
    user: UserId,
    token_hash: TokenHash,
    expires_at: Timestamp,
});

form!(struct NewDeviceForm: NewDevice = "auction_core::NewDevice" {
    key: DeviceKey,
    label: Name,
});

form!(struct ListingForm: Listing = "auction_core::Listing" {
    symbol: Symbol,
    security: SecurityCode,
    price: Price,
    profit: Profit,
});

form!(struct StockForm: Stock = "auction_core::Stock" {
    listing: Listing,
    profit: Profit,
    last_uncross: Option<Price>,
});
