//! What the log of intents knows about a work: two notes, one before the conversion and one after it.

use crate::{
    Amount, Cabital,
    conversions::Conversion,
    models::{AccountId, Balances, ConversionId, Direction, ExternalId, Reconciliation, Symbol},
};
use capecrypto_models::{Arg, decimal};
use capecrypto_rest::{Intent, IntentId, IntentLogError};
use std::sync::{Mutex, PoisonError};

/// The work as a whole. It is noted before anything is converted.
const WORK: &str = "ConvertAndTransfer";
/// What was bought. It is noted when the answer of the conversion is there.
const CONVERTED: &str = "ConvertAndTransfer.converted";
/// The transfer itself, which the client notes.
const TRANSFER: &str = "CreateTransfer";

const EXTERNAL_ID: &str = "external_id";
const ACCOUNT: &str = "account_id";

/// What is to be moved.
#[derive(Debug, Clone)]
pub(super) struct Bought {
    pub(super) account: AccountId,
    pub(super) conversion: ConversionId,
    pub(super) amount: Amount,
}

/// What the notes say.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) account: Arg<AccountId>,
    pub(super) before: Vec<(String, String)>,
    pub(super) bought: Option<Bought>,
    begun: bool,
}

impl Noted {
    /// Whether there is a note.
    pub(super) fn is_begun(&self) -> bool {
        self.begun || self.bought.is_some()
    }

    /// Whether this transfer, which has the external id of the work, is the work's own.
    pub(super) fn is_ended_by(&self, found: &Reconciliation) -> bool {
        match &self.bought {
            Some(bought) => {
                is_of_work(found, Some(&bought.account))
                    && found.symbol == *bought.amount.symbol()
                    && found.conversion_id.as_ref() == Some(&bought.conversion)
            }
            None => is_of_work(found, self.account.value().ok()),
        }
    }
}

/// Whether a transfer can be the end of such work: it moves to the partner what a conversion in this account bought.
pub(super) fn is_of_work(found: &Reconciliation, account: Option<&AccountId>) -> bool {
    account == Some(&found.account_id) && found.direction == Direction::Debit && found.conversion_id.is_some()
}

/// The notes of one work.
pub(super) struct Notes<'a> {
    cabital: &'a Cabital,
    external_id: &'a ExternalId,
    /// The ids of its open notes: those of the work first.
    open: Mutex<Vec<IntentId>>,
}

impl<'a> Notes<'a> {
    pub(super) fn new(cabital: &'a Cabital, external_id: &'a ExternalId) -> Self {
        Self { cabital, external_id, open: Mutex::new(Vec::new()) }
    }

    pub(super) fn external_id(&self) -> &'a ExternalId {
        self.external_id
    }

    /// Reads the notes. One that was begun by another version, and cannot be read, is an error: the work must not begin again.
    pub(super) async fn read(&self) -> Result<Noted, IntentLogError> {
        let mut noted = Noted { account: Arg::from(""), before: Vec::new(), bought: None, begun: false };
        let (mut work, mut converted, mut transfers) = (Vec::new(), Vec::new(), Vec::new());
        for intent in self.mine().await? {
            match intent.call() {
                WORK => {
                    noted.begun = true;
                    noted.account = Arg::from(intent.argument(ACCOUNT).unwrap_or_default());
                    let balances = intent.arguments();
                    let balances = balances.iter().filter_map(|(name, value)| {
                        Some((name.strip_prefix("before.")?.to_owned(), value.clone()))
                    });
                    noted.before = balances.collect();
                    work.push(intent.id());
                }
                CONVERTED => {
                    noted.bought = Some(bought(&intent)?);
                    converted.push(intent.id());
                }
                _ => transfers.push(intent.id()),
            }
        }
        // If the program ends while they are closed, what is left must not look like an interrupted conversion.
        let all = work.into_iter().chain(transfers).chain(converted).collect();
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(noted)
    }

    async fn mine(&self) -> Result<Vec<Intent>, IntentLogError> {
        let open = self.cabital.intents().open().await?;
        let is_mine = |intent: &Intent| {
            intent.origin() == self.cabital.partner().environment().origin().as_str()
                && matches!(intent.call(), WORK | CONVERTED | TRANSFER)
                && intent.argument(EXTERNAL_ID).is_some_and(|id| id == self.external_id.as_str())
        };
        Ok(open.into_iter().filter(is_mine).collect())
    }

    /// Notes that the work begins. `false` if another run was faster.
    pub(super) async fn begin(
        &self,
        account: &AccountId,
        conversion: &Conversion,
        before: &Balances,
    ) -> Result<bool, IntentLogError> {
        let mut facts = vec![(EXTERNAL_ID, self.external_id.to_string()), (ACCOUNT, account.to_string())];
        if let Ok(sides) = conversion.sides() {
            facts.push(("pair", sides.pair.to_string()));
            for (name, side) in [("bought", &sides.bought), ("sold", &sides.sold)] {
                facts.push((name, format!("{} {}", side.get(), side.symbol())));
                if let (Some(amount), Some(name)) = (before.of(side.symbol()), before_name(side.symbol())) {
                    facts.push((name, amount.to_string()));
                }
            }
        }
        let intent = Intent::of_work(self.cabital.partner(), WORK, facts);
        let id = intent.id();
        self.cabital.intents().begin(intent).await?;
        // The log has an order, so that of two runs exactly one sees itself first.
        let works = self.mine().await?;
        let first = works.iter().find(|intent| intent.call() == WORK).map(Intent::id);
        if first == Some(id) {
            self.add(id);
            return Ok(true);
        }
        self.cabital.intents().close(id, "another run of this work was faster").await?;
        Ok(false)
    }

    /// Notes what was bought.
    pub(super) async fn converted(&self, bought: &Bought) -> Result<(), IntentLogError> {
        let facts = vec![
            (EXTERNAL_ID, self.external_id.to_string()),
            (ACCOUNT, bought.account.to_string()),
            ("conversion_id", bought.conversion.to_string()),
            ("symbol", bought.amount.symbol().to_string()),
            ("amount", bought.amount.get().to_string()),
        ];
        let intent = Intent::of_work(self.cabital.partner(), CONVERTED, facts);
        let id = intent.id();
        self.cabital.intents().begin(intent).await?;
        self.add(id);
        Ok(())
    }

    fn add(&self, id: IntentId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    /// Closes all notes that were read or made. What cannot be closed stays open, and is closed by a later run.
    pub(super) async fn close(&self, why: &str) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        for id in open {
            // One that its own call has closed meanwhile is no error.
            if let Err(error) = self.cabital.intents().close(id, why).await {
                tracing::debug!(%id, %error, "a note of a conversion with transfer was not closed");
            }
        }
    }
}

/// The name under which the balance of a currency is noted.
fn before_name(symbol: &Symbol) -> Option<&'static str> {
    const NAMES: [(&str, &str); 5] = [
        ("BTC", "before.BTC"),
        ("ETH", "before.ETH"),
        ("USDT", "before.USDT"),
        ("EUR", "before.EUR"),
        ("GBP", "before.GBP"),
    ];
    NAMES.iter().find(|(code, _)| *symbol == **code).map(|(_, name)| *name)
}

fn bought(intent: &Intent) -> Result<Bought, IntentLogError> {
    let read = || {
        let text = |name: &str| intent.argument(name);
        let symbol = Symbol::listed(&text("symbol")?).ok()?;
        let amount = decimal::parse(&text("amount")?).ok()?;
        Some(Bought {
            account: text(ACCOUNT)?.parse().ok()?,
            conversion: answered_id(&text("conversion_id")?)?,
            amount: Amount::new(symbol, amount).ok()?,
        })
    };
    read().ok_or_else(|| {
        IntentLogError::new(format!("the note {} cannot be read; close it by hand", intent.id()))
    })
}

/// A conversion's id as Cabital answered it, which need not be a UUID.
fn answered_id(text: &str) -> Option<ConversionId> {
    serde_json::from_value(serde_json::Value::from(text)).ok()
}

/// The external ids of all open work.
pub(super) async fn unfinished(cabital: &Cabital) -> Result<Vec<ExternalId>, IntentLogError> {
    let mut ids: Vec<ExternalId> = Vec::new();
    for intent in cabital.intents().open().await? {
        if matches!(intent.call(), WORK | CONVERTED)
            && let Some(id) = intent.argument(EXTERNAL_ID).and_then(|id| id.parse().ok())
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
    Ok(ids)
}
