//! An account's history as double-entry lines.
//!
//! [`Records::read`] reads the trades, deposits, withdrawals and transactions of a period, and [`Ledger::of`] turns them into
//! entries. In each entry every currency adds up to zero: what a balance gains, another account of the books loses. So the
//! entries of a period add up to the change of every balance, and [`Ledger::differences`] shows where they do not.
//!
//! Nothing is guessed and nothing is rounded. A record that lacks what its entry needs is listed in [`Ledger::unbooked`].

use super::{ListDeposits, ListTransactions, ListWithdrawals};
use crate::{public::ListMarkets, trading::ListTrades};
use capecrypto_models::{
    Balance, CurrencyId, Decimal, Deposit, DepositId, Market, MarketId, Side, Timestamp, Trade, TradeId,
    Transaction, TransactionType, Withdrawal, WithdrawalId, decimal,
};
use capecrypto_rest::{Client, Error, Page, UnreadableRow};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::Range,
};

/// The records of a period, as the exchange lists them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Records {
    /// From its first second to the second after its last.
    pub period: Range<Timestamp>,
    /// All markets, for the two currencies of a trade.
    pub markets: Vec<Market>,
    /// The account's trades of the period.
    pub trades: Vec<Trade>,
    /// All deposits: the exchange has no filter for their time.
    pub deposits: Vec<Deposit>,
    /// All withdrawals, for the same reason.
    pub withdrawals: Vec<Withdrawal>,
    /// The lines of the account's history of the period.
    pub transactions: Vec<Transaction>,
    /// Rows that could not be read. Their money is missing in the ledger.
    pub unreadable: Vec<UnreadableRow>,
}

impl Records {
    /// No records yet, for a caller that has them from somewhere else: its fields can be set.
    pub fn none(period: Range<Timestamp>) -> Self {
        Self {
            period,
            markets: Vec::new(),
            trades: Vec::new(),
            deposits: Vec::new(),
            withdrawals: Vec::new(),
            transactions: Vec::new(),
            unreadable: Vec::new(),
        }
    }

    /// Reads all records of a period. The exchange's times have no parts of a second, so give whole seconds.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn read(client: &Client, period: Range<Timestamp>) -> Result<Self, Error> {
        let Range { start, end } = period;
        let mut unreadable = Vec::new();
        let markets = rows(client.items(ListMarkets::new()).try_collect().await?, &mut unreadable);
        let trades = ListTrades::new().time_from(start).time_to(end).limit(1_000);
        let trades = rows(client.items(trades).try_collect().await?, &mut unreadable);
        let deposits = rows(client.items(ListDeposits::new()).try_collect().await?, &mut unreadable);
        let withdrawals = rows(client.items(ListWithdrawals::new()).try_collect().await?, &mut unreadable);
        let transactions = ListTransactions::new().time_from(start).time_to(end).limit(1_000);
        let transactions = rows(client.items(transactions).try_collect().await?, &mut unreadable);
        Ok(Self { period: start..end, markets, trades, deposits, withdrawals, transactions, unreadable })
    }
}

fn rows<T>(page: Page<T>, unreadable: &mut Vec<UnreadableRow>) -> Vec<T> {
    unreadable.extend(page.unreadable);
    page.items
}

/// An account of the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LedgerAccount {
    /// The balance on the exchange, available and locked together.
    Balance,
    /// What was paid in.
    Deposits,
    /// What was paid out.
    Withdrawals,
    /// The other side of trades.
    Trading,
    /// Fees that were paid.
    Fees,
    /// Transfers from and to other accounts of the exchange.
    Transfers,
    /// Rewards for referrals and market making.
    Rewards,
    /// Kinds of transactions that this version does not know.
    Other,
}

impl fmt::Display for LedgerAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Balance => "balance",
            Self::Deposits => "deposits",
            Self::Withdrawals => "withdrawals",
            Self::Trading => "trading",
            Self::Fees => "fees",
            Self::Transfers => "transfers",
            Self::Rewards => "rewards",
            Self::Other => "other",
        })
    }
}

/// The record that an entry comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A trade.
    Trade(TradeId),
    /// A deposit.
    Deposit(DepositId),
    /// A withdrawal.
    Withdrawal(WithdrawalId),
    /// The number of a line of the history that belongs to no other record.
    Transaction(u64),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trade(id) => write!(f, "trade {id}"),
            Self::Deposit(id) => write!(f, "deposit {id}"),
            Self::Withdrawal(id) => write!(f, "withdrawal {id}"),
            Self::Transaction(id) => write!(f, "transaction {id}"),
        }
    }
}

/// A change of one account in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Posting {
    /// The account.
    pub account: LedgerAccount,
    /// The currency.
    pub currency: CurrencyId,
    /// What the account gains; negative for what it loses. Never zero.
    pub amount: Decimal,
}

/// The postings of one record. They add up to zero in each currency.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LedgerEntry {
    /// When the balance changed.
    pub at: Timestamp,
    /// The record.
    pub source: Source,
    /// The changes.
    pub postings: Vec<Posting>,
}

/// A record without an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unbooked {
    /// The record.
    pub source: Source,
    /// Why it has no entry.
    pub reason: &'static str,
}

impl fmt::Display for Unbooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.reason)
    }
}

/// The entries of a period, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Ledger {
    /// The entries.
    pub entries: Vec<LedgerEntry>,
    /// Records that could not be booked. The ledger is complete only if there are none.
    pub unbooked: Vec<Unbooked>,
}

/// The sum of an account's postings in one currency: by currency, then by account.
pub type Sums = BTreeMap<(CurrencyId, LedgerAccount), Decimal>;

impl Ledger {
    /// The entries of the records' period.
    ///
    /// A deposit counts when it was credited and a withdrawal when it succeeded; what is still on its way is locked or outside,
    /// so it changes no balance. A line of the history counts only if it belongs to none of the other records.
    #[inline]
    pub fn of(records: &Records) -> Self {
        let mut ledger = Self::default();
        let within = |at: Timestamp| {
            let seconds = at.as_unix_seconds();
            (records.period.start.as_unix_seconds()..records.period.end.as_unix_seconds()).contains(&seconds)
        };
        let markets: BTreeMap<&MarketId, &Market> =
            records.markets.iter().map(|market| (&market.id, market)).collect();
        for trade in records.trades.iter().filter(|trade| within(trade.created_at)) {
            let booked = book_trade(trade, markets.get(&trade.market).copied());
            ledger.add(Source::Trade(trade.id.clone()), trade.created_at, booked);
        }
        for deposit in records.deposits.iter().filter(|deposit| deposit.state.is_credited()) {
            let source = Source::Deposit(deposit.id);
            let at = deposit.completed_at.unwrap_or(deposit.created_at);
            if within(at) {
                ledger.add(source, at, book_deposit(deposit));
            }
        }
        for withdrawal in records.withdrawals.iter().filter(|withdrawal| withdrawal.state.is_success()) {
            let source = Source::Withdrawal(withdrawal.id);
            match withdrawal.done_at.or(withdrawal.updated_at) {
                Some(at) if within(at) => ledger.add(source, at, book_withdrawal(withdrawal)),
                Some(_) => {}
                None => ledger.refuse(source, "it has no time"),
            }
        }
        let covered = Covered::by(records);
        let inside = |line: &&Transaction| line.created_at.is_none_or(within);
        for line in records.transactions.iter().filter(inside) {
            match covered.what_to_do(line) {
                Line::Unclear(reason) => ledger.refuse(Source::Transaction(line.id), reason),
                Line::Own(at) if within(at) => ledger.add(Source::Transaction(line.id), at, book_line(line)),
                Line::Covered | Line::Own(_) => {}
            }
        }
        ledger.entries.sort_by_key(|entry| entry.at);
        ledger
    }

    fn add(&mut self, source: Source, at: Timestamp, booked: Result<Vec<Posting>, &'static str>) {
        match booked {
            Ok(postings) => self.entries.push(LedgerEntry { at, source, postings }),
            Err(reason) => self.refuse(source, reason),
        }
    }

    fn refuse(&mut self, source: Source, reason: &'static str) {
        self.unbooked.push(Unbooked { source, reason });
    }

    /// The sums of all accounts. Those of a currency add up to zero. `None` if a sum has more than 28 digits.
    #[inline]
    pub fn sums(&self) -> Option<Sums> {
        let mut sums = Sums::new();
        for posting in self.entries.iter().flat_map(|entry| &entry.postings) {
            let sum = sums.entry((posting.currency.clone(), posting.account)).or_default();
            *sum = decimal::sum(*sum, posting.amount)?;
        }
        Some(sums)
    }

    /// The currencies whose balance changed by another amount than the ledger says, with the difference: what the balances
    /// gained in addition. Empty if the ledger explains every change. `None` if a sum has more than 28 digits.
    ///
    /// `before` and `after` are all balances at the start and the end of the period. A currency that is missing counts as zero.
    #[inline]
    pub fn differences(
        &self,
        before: &[Balance],
        after: &[Balance],
    ) -> Option<BTreeMap<CurrencyId, Decimal>> {
        let mut differences = BTreeMap::<CurrencyId, Decimal>::new();
        let booked = self.sums()?.into_iter().filter(|((_, account), _)| *account == LedgerAccount::Balance);
        let changes = (booked.map(|((currency, _), sum)| (currency, -sum)))
            .chain(before.iter().map(|balance| (balance.currency.clone(), -balance.total())))
            .chain(after.iter().map(|balance| (balance.currency.clone(), balance.total())));
        for (currency, change) in changes {
            let difference = differences.entry(currency).or_default();
            *difference = decimal::sum(*difference, change)?;
        }
        differences.retain(|_, difference| !difference.is_zero());
        Some(differences)
    }
}

/// Collects the postings of one entry, with one posting for each account and currency.
#[derive(Default)]
struct Postings(BTreeMap<(CurrencyId, LedgerAccount), Decimal>);

impl Postings {
    /// Moves an amount from one account to another.
    #[inline]
    fn transfer(
        &mut self,
        currency: &CurrencyId,
        amount: Decimal,
        from: LedgerAccount,
        to: LedgerAccount,
    ) -> Result<(), &'static str> {
        for (account, change) in [(from, -amount), (to, amount)] {
            let sum = self.0.entry((currency.clone(), account)).or_default();
            *sum = decimal::sum(*sum, change).ok_or("a sum has more than 28 digits")?;
        }
        Ok(())
    }

    #[inline]
    fn done(self) -> Vec<Posting> {
        let changed = self.0.into_iter().filter(|(_, amount)| !amount.is_zero());
        changed.map(|((currency, account), amount)| Posting { account, currency, amount }).collect()
    }
}

/// What comes in and what goes out change the balance in full; then the fee is taken.
#[inline]
fn book_trade(trade: &Trade, market: Option<&Market>) -> Result<Vec<Posting>, &'static str> {
    let market = market.ok_or("its market is not in the list of markets")?;
    let total = match trade.total {
        Some(total) => total,
        None => decimal::product(trade.price, trade.amount).ok_or("its notional has more than 28 digits")?,
    };
    let base = (&market.base_unit, trade.amount);
    let quote = (&market.quote_unit, total);
    let (income, spent) = match &trade.side {
        Some(Side::Buy) => (base, quote),
        Some(Side::Sell) => (quote, base),
        _ => return Err("it does not say whether the account bought or sold"),
    };
    let fee = match (trade.fee_amount, trade.fee) {
        (Some(amount), _) => amount,
        (None, Some(ratio)) => decimal::product(income.1, ratio).ok_or("its fee has more than 28 digits")?,
        (None, None) => return Err("it does not name its fee"),
    };
    let mut postings = Postings::default();
    postings.transfer(income.0, income.1, LedgerAccount::Trading, LedgerAccount::Balance)?;
    postings.transfer(spent.0, spent.1, LedgerAccount::Balance, LedgerAccount::Trading)?;
    postings.transfer(
        trade.fee_currency.as_ref().unwrap_or(income.0),
        fee,
        LedgerAccount::Balance,
        LedgerAccount::Fees,
    )?;
    Ok(postings.done())
}

/// The amount of a deposit is what the balance gained; the fee was taken before.
#[inline]
fn book_deposit(deposit: &Deposit) -> Result<Vec<Posting>, &'static str> {
    let mut postings = Postings::default();
    postings.transfer(&deposit.currency, deposit.amount, LedgerAccount::Deposits, LedgerAccount::Balance)?;
    postings.transfer(
        &deposit.currency,
        deposit.fee.unwrap_or_default(),
        LedgerAccount::Deposits,
        LedgerAccount::Fees,
    )?;
    Ok(postings.done())
}

/// The amount of a withdrawal is what the balance lost; the fee is a part of it.
#[inline]
fn book_withdrawal(withdrawal: &Withdrawal) -> Result<Vec<Posting>, &'static str> {
    let fee = withdrawal.fee.unwrap_or_default();
    let paid_out = decimal::sum(withdrawal.amount, -fee).ok_or("a sum has more than 28 digits")?;
    let mut postings = Postings::default();
    postings.transfer(&withdrawal.currency, paid_out, LedgerAccount::Balance, LedgerAccount::Withdrawals)?;
    postings.transfer(&withdrawal.currency, fee, LedgerAccount::Balance, LedgerAccount::Fees)?;
    Ok(postings.done())
}

/// A line that belongs to no other record.
#[inline]
fn book_line(line: &Transaction) -> Result<Vec<Posting>, &'static str> {
    if line.fee.is_some_and(|fee| !fee.is_zero()) {
        return Err("the documents do not say whether its amounts include its fee");
    }
    let other = match line.kind {
        TransactionType::Deposit => LedgerAccount::Deposits,
        TransactionType::Withdraw => LedgerAccount::Withdrawals,
        TransactionType::InternalTransfer => LedgerAccount::Transfers,
        TransactionType::Referral | TransactionType::MakerReward => LedgerAccount::Rewards,
        _ => LedgerAccount::Other,
    };
    let mut postings = Postings::default();
    if let (Some(currency), Some(amount)) = (&line.credit_currency, line.credit_amount) {
        postings.transfer(currency, amount, other, LedgerAccount::Balance)?;
    }
    if let (Some(currency), Some(amount)) = (&line.debit_currency, line.debit_amount) {
        postings.transfer(currency, amount, LedgerAccount::Balance, other)?;
    }
    let postings = postings.done();
    if postings.is_empty() { Err("it names no amount with its currency") } else { Ok(postings) }
}

/// What the other records already tell.
struct Covered<'a> {
    /// Their numbers as text, because a line and its record may write them in two ways.
    deposits: BTreeSet<String>,
    withdrawals: BTreeSet<String>,
    txids: BTreeSet<&'a str>,
    /// Trades by the text of their order.
    orders: BTreeSet<String>,
}

/// What becomes of a line of the history.
enum Line {
    /// Another record tells the same.
    Covered,
    /// It counts by itself, at this time.
    Own(Timestamp),
    /// It cannot be told.
    Unclear(&'static str),
}

impl<'a> Covered<'a> {
    #[inline]
    fn by(records: &'a Records) -> Self {
        let deposited = records.deposits.iter().filter_map(|deposit| deposit.txid.as_deref());
        let withdrawn =
            records.withdrawals.iter().filter_map(|withdrawal| withdrawal.blockchain_txid.as_deref());
        Self {
            deposits: records.deposits.iter().map(|deposit| deposit.id.to_string()).collect(),
            withdrawals: records.withdrawals.iter().map(|withdrawal| withdrawal.id.to_string()).collect(),
            txids: deposited.chain(withdrawn).collect(),
            orders: records.trades.iter().filter_map(|trade| Some(trade.order_id?.to_string())).collect(),
        }
    }

    #[inline]
    fn what_to_do(&self, line: &Transaction) -> Line {
        let has = |ids: &BTreeSet<String>| line.reference_id.is_some_and(|id| ids.contains(&id.to_string()));
        let same_txid = line.txid.as_deref().is_some_and(|txid| self.txids.contains(txid));
        let order = line.order_id.clone().or_else(|| Some(line.reference_id?.to_string()));
        match line.kind {
            TransactionType::Trade if order.is_some_and(|order| self.orders.contains(&order)) => {
                Line::Covered
            }
            TransactionType::Trade => Line::Unclear("no trade of its order is in the list of trades"),
            TransactionType::Deposit if has(&self.deposits) || same_txid => Line::Covered,
            TransactionType::Withdraw if has(&self.withdrawals) || same_txid => Line::Covered,
            // The documents do not list the states of a line. One with the time of payment is paid.
            TransactionType::Deposit | TransactionType::Withdraw => match line.paid_at {
                Some(at) => Line::Own(at),
                None => Line::Unclear("no other record tells of it, and it has no time of payment"),
            },
            _ => line.paid_at.or(line.created_at).map_or(Line::Unclear("it has no time"), Line::Own),
        }
    }
}
