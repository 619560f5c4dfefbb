//! VASPs: the companies that keep or move crypto for others, by the number that the travel rule asks for.

use crate::{TRADE, args};
use capecrypto_models::{Vasp, VaspId};
use capecrypto_rest::{Checks, Client, Error, Page, Paged, Paging, endpoints, request};

endpoints! { TRADE public; hints crate::hints::hint; probe capecrypto_probe::Probe;
    GET "/public/vasps" ListVasps -> Page<Vasp>, checked paged unreviewed("the request asks for all VASPs");
}

request! {
    /// Lists the VASPs that can be named in the answers to the travel rule (documents: "Get VASPs"). The older version does not
    /// have this call.
    #[derive(Default)]
    pub struct ListVasps {}
    pages Paging<100>, "1 to 100, 25 when left out";
}

impl ListVasps {
    /// All VASPs.
    pub fn new() -> Self {
        Self::with()
    }

    /// Looks for VASPs by name, on all pages: those whose name has this text in it, in upper or lower case. The exchange has no
    /// filter for names, so this reads the whole list, 100 rows at a time.
    ///
    /// Several companies may have similar names: compare their web sites before you use a number. Rows that cannot be read are
    /// in [`Page::unreadable`].
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(client: &Client, name: &str) -> Result<Page<Vasp>, Error> {
        let wanted = name.trim().to_lowercase();
        let mut found = client.items(Self::new().limit(100)).try_collect().await?;
        found.retain(|vasp| vasp.name.to_lowercase().contains(&wanted));
        // The exchange's total counts all VASPs, not those that were found.
        found.total = None;
        Ok(found)
    }

    #[inline]
    fn check_arguments(&self, checks: &mut Checks<'_>) {
        args::current_only(checks, "ListVasps");
    }
}

impl Paged for ListVasps {
    type Row = Vasp;
    type Key = VaspId;

    fn key(row: &Vasp) -> VaspId {
        row.id
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::Samples;

    impl Samples for ListVasps {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new().limit(100).page(1)
        }
    }
}
