//! What Cabital answers and calls back.
//!
//! All structs are plain, and fields that this version does not know are dropped. What is personal is a
//! [`Sensitive`](capecrypto_models::Sensitive), which `Debug` does not show.

mod account;
mod balance;
mod config;
mod deposit;
mod fee;
mod ids;
mod light;
mod quote;
mod raw_json;
mod symbol;
pub(crate) mod tolerant;
mod transfer;

pub use account::{AccountDetail, ConnectionState, IdDocument, LinkStatus, MatchOutcome, NameMatch};
pub use balance::{Balance, Balances};
pub use config::{Config, ConfiguredPair, CurrencyConfig, CurrencyType, Limit, Limits};
pub use deposit::{DepositInformation, DepositMeta, DepositMethod, Iban};
pub use fee::{Fee, FeeMethod, FeePayer, Fees};
pub use ids::{AccountId, ConversionId, ExternalId, InstructionId, QuoteId, TransferId, UserRef};
pub use light::{LightConfig, LightConversion, LightCurrency, LightLimit, LightMethods, LightWithdraw};
pub use quote::Quote;
pub use raw_json::RawJson;
pub use symbol::{Pair, Symbol};
pub use transfer::{
    ConversionMade, ConversionStatus, Direction, Reconciliation, Transfer, TransferList, TransferMade,
    TransferStatus, TransferredBy,
};
