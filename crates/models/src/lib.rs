#![doc = include_str!("../README.md")]

pub mod arg;
pub mod decimal;
pub mod ids;
#[doc(hidden)]
pub mod json_path;
pub mod open_enum;
pub mod param;
pub mod sats;
pub mod time;
pub mod upload;

mod balance;
mod beneficiary;
mod bolt11;
mod candle;
mod currency;
mod customer;
mod deposit;
mod deposit_action;
mod depth;
mod document;
mod iso;
mod lightning;
mod market;
mod one_time_code;
mod order;
mod own_text;
mod payment_method;
mod payment_reference;
mod public_trade;
mod sensitive;
mod sub_account;
mod text;
mod ticker;
mod tolerant;
mod trade;
mod transaction;
mod vasp;
mod voucher;
mod webhook;
mod webhook_event;
mod withdrawal;

pub use arg::{Arg, Malformed};
pub use balance::Balance;
pub use beneficiary::{Beneficiary, BeneficiaryData, BeneficiaryState, PartyData};
#[cfg(feature = "bolt11")]
pub use bolt11::VerifiedInvoice;
pub use bolt11::{Bolt11, LightningNetwork};
pub use candle::{Candle, Period};
pub use currency::{Currency, CurrencyType};
pub use customer::{
    AccountRole, BusinessProfile, Customer, CustomerState, EntityType, KycStatus, Label, LicenseStatus,
    Phone, Profile, Ubo,
};
pub use deposit::{AddressState, Confirmations, Deposit, DepositAddress, DepositState};
pub use deposit_action::{DepositAction, DepositActionKind};
pub use depth::{Depth, Level};
pub use document::{Date, DocumentType, UploadedDocument};
pub use ids::{
    BeneficiaryId, CurrencyId, CustomOrderId, DepositId, InternalTransferId, MarketId, OrderId, OrderKey,
    OrderUuid, PaymentMethodId, PaymentReferenceId, QuoteId, TradeId, Txid, Uid, VaspId, WithdrawMethodId,
    WithdrawalId,
};
pub use lightning::{LightningAddress, LightningInvoice, LightningInvoiceState, LightningPayment};
pub use market::{Market, MarketState, Toward};
pub use one_time_code::OneTimeCode;
pub use order::{Order, OrderState, OrderType, Side};
pub use payment_method::{
    DepositMethod, InstantDepositMethod, InstantMethodType, MethodCurrencyType, MethodType, RemainingLimits,
    WithdrawMethod,
};
pub use payment_reference::{PaymentReference, PaymentReferenceState};
pub use public_trade::PublicTrade;
pub use rust_decimal::Decimal;
pub use sats::Sats;
pub use sensitive::Sensitive;
pub use sub_account::{SubAccount, SubAccountState};
pub use text::Text;
pub use ticker::{Ticker, TickerEntry, Tickers};
pub use time::Timestamp;
pub use trade::Trade;
pub use transaction::{Transaction, TransactionType};
pub use upload::{FileFormat, Upload};
pub use vasp::{Vasp, VaspState};
pub use voucher::{ChangeVoucher, VoucherRedemption};
pub use webhook::{AccountWebhook, Webhook, WebhookProtocol, WebhookUrl};
pub use webhook_event::{
    DepositEvent, DepositEventKind, DepositMatched, DuplicateDeposit, PaymentCompleted, PaymentFailed,
    UnknownEvent, UnreadableEvent, WebhookEvent,
};
pub use withdrawal::{WithdrawQuote, Withdrawal, WithdrawalState};
