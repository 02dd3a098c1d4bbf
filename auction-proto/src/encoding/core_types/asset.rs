//! Modes of accounts, and the assets that accounts hold.

use auction_core::{AccountMode, Amount, Asset, Quantity, Symbol};

form!(enum AccountModeForm: AccountMode = "auction_core::AccountMode" {
    0 = Credit,
    1 = Funds,
});

form!(enum AssetForm: Asset = "auction_core::Asset" {
    0 = Cash(Amount),
    1 = Shares { symbol: Symbol, quantity: Quantity },
});
