//! Carries requests out: one artifact with all that belongs to it, or a request before or behind all of them.
//!
//! Enters: what the draft noted under a key. Leaves: it was done, or was there already. What is told of a server's words has no secrets.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::answer::{self, Fits};
use super::{fill, preset};
use crate::config::schema::{At, HttpMethod, HttpPoll, HttpStep, PublishHttp, Text};
use crate::publish::secret::Secrets;
use crate::resolve::duration;
use crate::resolve::holes::{self, Holes};
use crate::store::http::{Answer, Content, Request, Server};
use crate::store::{Body, Depth, Hold, Kind, Meta, Object, Place, Refusal, StoreError, Trouble, When, Written, now};

/// Requests at once.
const AT_ONCE: usize = 4;
/// The first pause between two questions whether something is done.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const WITHIN: Duration = Duration::from_secs(600);

/// See the module.
pub(super) struct Courier {
    pub(super) name: String,
    pub(super) server: Box<dyn Server>,
    pub(super) table: PublishHttp,
    pub(super) secrets: Secrets,
    pub(super) anonymous: bool,
    pub(super) replace: bool,
    /// Facts of the package, `{server}`.
    pub(super) facts: Holes,
    pub(super) state: Mutex<State>,
}

/// What a run has come to know.
#[derive(Default)]
pub(super) struct State {
    /// From answers to requests before all artifacts.
    pub(super) taken: Holes,
    pub(super) jobs: BTreeMap<String, Job>,
    pub(super) notes: Vec<String>,
}

/// What is to be done under a key.
#[derive(Clone)]
pub(super) enum Job {
    /// An artifact is sent; `remove` says that what is there goes first.
    Send { holes: Holes, body: Body, remove: Option<Holes> },
    /// A request of its own.
    Step(Box<HttpStep>),
}

/// What is there of an artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum There {
    /// Nothing.
    No,
    /// The same bytes.
    Same,
    /// Something, and the server does not say with which bytes.
    Unproven(Holes),
    /// Others; what the answer says of them.
    Other(Holes),
    /// A part of an earlier try.
    Partial(Holes),
}

pub(super) fn word(method: HttpMethod) -> &'static str {
    match method {
        HttpMethod::Put => "PUT",
        HttpMethod::Post => "POST",
        HttpMethod::Patch => "PATCH",
        HttpMethod::Get => "GET",
        HttpMethod::Head => "HEAD",
        HttpMethod::Delete => "DELETE",
    }
}

impl Courier {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn trouble(&self, refusal: Refusal, message: impl std::fmt::Display) -> StoreError {
        StoreError::new(&self.name, Trouble::Server(refusal), self.secrets.hide(&message.to_string()))
    }

    fn refused(&self, answer: &Answer) -> StoreError {
        self.trouble(answer.refusal(self.anonymous), answer.told())
    }

    /// Facts, values and what answers said, with those of an artifact.
    pub(super) fn holes(&self, of: &Holes) -> Holes {
        let mut all = self.facts.clone();
        all.extend(of.clone());
        for (name, value) in &self.table.values {
            if let Ok(value) = holes::fill(&value.value, &all) {
                all.insert(name.clone(), value);
            }
        }
        all.extend(self.state().taken.clone());
        all
    }

    pub(super) fn url(&self, template: &str, holes: &Holes) -> Result<String, StoreError> {
        fill::url(template, holes).map_err(|unset| {
            let names: Vec<String> = unset.into_iter().map(|hole| format!("`{{{}}}`", hole.name)).collect();
            self.trouble(Refusal::Failed, format!("no answer gave {}", names.join(", ")))
        })
    }

    pub(super) fn text(&self, template: &str, holes: &Holes) -> Result<String, StoreError> {
        holes::fill(template, holes)
            .map_err(|_| self.trouble(Refusal::Failed, format!("no answer gave all of `{template}`")))
    }

    pub(super) fn headers(
        &self,
        more: &BTreeMap<String, Text>,
        holes: &Holes,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let own = preset::typed_headers(&self.table);
        let more = more.iter().map(|(name, text)| (name.as_str(), text.value.as_str()));
        own.chain(more).map(|(name, text)| Ok((name.to_owned(), self.text(text, holes)?))).collect()
    }

    /// Asks for JSON; none if there is nothing.
    pub(super) fn ask(&self, url: &str, holes: &Holes) -> Result<Option<Value>, StoreError> {
        let answer = self.there_or_not(self.answer("GET", url, holes)?)?;
        let Some(answer) = answer else { return Ok(None) };
        let wrong = |_| self.trouble(Refusal::Failed, "its answer is not the JSON that was asked for");
        serde_json::from_slice(&answer.body).map(Some).map_err(wrong)
    }

    pub(super) fn answer(&self, method: &str, url: &str, holes: &Holes) -> Result<Answer, StoreError> {
        let mut headers = self.headers(&BTreeMap::new(), holes)?;
        // Of what is sent only.
        headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
        let (method, url) = (method.to_owned(), url.to_owned());
        let expected = if method == "HEAD" { vec![501] } else { Vec::new() };
        self.server.send(&Request { method, url, headers, expected, ..Request::default() })
    }

    /// A good answer; none if there is nothing.
    pub(super) fn there_or_not(&self, answer: Answer) -> Result<Option<Answer>, StoreError> {
        match answer.status {
            404 => Ok(None),
            _ if answer.is_good() => Ok(Some(answer)),
            _ => Err(self.refused(&answer)),
        }
    }

    /// What `find` finds.
    pub(super) fn find(&self, step: &HttpStep, holes: &Holes) -> Result<Option<Value>, StoreError> {
        let Some(find) = &step.find else { return Ok(None) };
        let Some(answer) = self.ask(&self.url(&find.url, holes)?, holes)? else { return Ok(None) };
        let wanted = self.wanted(&find.r#where, holes)?;
        Ok(answer::element(&answer, find.list.as_deref().map(String::as_str), &wanted).cloned())
    }

    pub(super) fn wanted(&self, of: &BTreeMap<String, Text>, holes: &Holes) -> Result<Holes, StoreError> {
        of.iter().map(|(name, text)| Ok((name.clone(), self.text(&text.value, holes)?))).collect()
    }

    /// What later requests need of an answer.
    pub(super) fn take(&self, take: &BTreeMap<String, Text>, from: &Value) -> Result<Holes, StoreError> {
        let one = |(name, pointer): (&String, &Text)| {
            let found = answer::at(from, pointer).ok_or_else(|| {
                self.trouble(Refusal::Failed, format!("its answer has no `{}` for `{{{name}}}`", pointer.value))
            })?;
            Ok((name.clone(), found))
        };
        take.iter().map(one).collect()
    }

    fn took(&self, take: &BTreeMap<String, Text>, answer: &Answer, holes: &mut Holes) -> Result<Holes, StoreError> {
        if take.is_empty() {
            return Ok(Holes::new());
        }
        let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let taken = self.take(take, &json)?;
        holes.extend(taken.clone());
        Ok(taken)
    }

    /// A request beside those of artifacts; what its answer gave, or none if there was nothing to do.
    pub(super) fn step(&self, step: &HttpStep, holes: &mut Holes) -> Result<Option<Holes>, StoreError> {
        if step.when.iter().any(|(name, value)| holes.get(name) != Some(&value.value)) {
            return Ok(None);
        }
        let (Some(template), method) = (&step.url, step.method.as_ref().map_or(HttpMethod::Post, |m| m.value)) else {
            return Ok(None);
        };
        let mut headers = self.headers(&step.headers, holes)?;
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type") || step.headers.contains_key(name));
        let mut content = Content::Nothing;
        if !step.json.is_empty() {
            let value = |text: &Text| Ok::<_, StoreError>(answer::scalar(self.text(text, holes)?));
            let json: Result<serde_json::Map<String, Value>, _> =
                step.json.iter().map(|(name, text)| Ok((name.clone(), value(text)?))).collect();
            content = Content::Raw(Body::Bytes(Value::Object(json?).to_string().into_bytes().into()));
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let fits = Fits::of(step.success.as_deref(), &step.exists, step.exists_text.as_ref());
        let request = Request {
            method: word(method).to_owned(),
            url: self.url(template, holes)?,
            headers,
            content,
            expected: fits.all(),
        };
        let answer = self.server.send(&request)?;
        if method == HttpMethod::Delete && answer.status == 404 {
            // Somebody was faster.
            return Ok(None);
        }
        if fits.exists(&answer) {
            if let Some(found) = self.find(step, holes)? {
                holes.extend(self.take(&step.take, &found)?);
            }
            return Ok(None);
        }
        if !fits.succeeds(&answer) {
            return Err(self.refused(&answer));
        }
        let taken = self.took(&step.take, &answer, holes)?;
        self.poll(step.poll.as_ref(), holes)?;
        Ok(Some(taken))
    }

    /// Asks until it is done.
    fn poll(&self, poll: Option<&At<HttpPoll>>, holes: &Holes) -> Result<(), StoreError> {
        let Some(poll) = poll else { return Ok(()) };
        let url = self.url(&poll.url, holes)?;
        let time = |text: &Option<Text>, default| {
            text.as_ref().and_then(|text| duration::nanoseconds(text)).map_or(default, Duration::from_nanos)
        };
        let (longest, within) = (time(&poll.every, LONGEST_PAUSE), time(&poll.within, WITHIN));
        let (since, mut pause) = (now::Since::now(), PAUSE.min(longest));
        loop {
            let json = self.ask(&url, holes)?.unwrap_or_default();
            let state = answer::at(&json, &poll.state).unwrap_or_default();
            if poll.done.iter().any(|done| done.value == state) {
                return Ok(());
            }
            let failing =
                poll.failed_at.as_ref().map_or_else(|| state.clone(), |at| answer::at(&json, at).unwrap_or_default());
            if poll.failed.iter().any(|failed| failed.value == failing) {
                let reason = poll.reason.as_ref().and_then(|at| answer::at(&json, at)).unwrap_or_default();
                let reason = if reason.is_empty() { reason } else { format!(": {}", answer::line(&reason)) };
                return Err(self.trouble(Refusal::Task, format!("it says `{failing}`{reason}")));
            }
            if Duration::from_millis(since.millis()) + pause > within {
                let said = if state.is_empty() { "nothing".to_owned() } else { format!("`{state}`") };
                let why =
                    format!("it still says {said} after {} s; `poll.within` is how long it may take", within.as_secs());
                return Err(self.trouble(Refusal::Task, why));
            }
            std::thread::sleep(now::jitter(pause));
            pause = pause.mul_f64(1.5).min(longest);
        }
    }

    fn send(&self, of: &Holes, body: &Body, remove: Option<&Holes>) -> Result<Written, StoreError> {
        let mut holes = self.holes(of);
        if let Some(element) = remove {
            self.remove_other(element, &holes)?;
        }
        let fits = Fits::of(
            self.table.success.as_deref(),
            self.table.exists.as_deref().unwrap_or_default(),
            self.table.exists_text.as_ref(),
        );
        let request = self.request(&holes, body, fits.all())?;
        let mut answer = self.server.send(&request)?;
        if fits.exists(&answer) {
            match self.there(&holes)? {
                There::Same => return Ok(Written::Lost),
                There::Other(element) if self.replace && self.table.remove.is_some() => {
                    self.remove_other(&element, &holes)?;
                    answer = self.server.send(&request)?;
                }
                There::Partial(element) if self.table.remove.is_some() => {
                    self.remove_other(&element, &holes)?;
                    answer = self.server.send(&request)?;
                }
                There::Other(_) | There::Partial(_) => {
                    return Err(StoreError::new(&self.name, Trouble::OtherBytes, file(&holes)));
                }
                There::No | There::Unproven(_) if self.replace => return Err(self.refused(&answer)),
                // What follows it may still be missing.
                There::No if self.table.then.is_some() => return self.then(&mut holes),
                There::No | There::Unproven(_) => {
                    self.note_unproven(&holes);
                    return Ok(Written::Lost);
                }
            }
        }
        if !fits.succeeds(&answer) {
            return Err(self.refused(&answer));
        }
        self.took(&self.table.take, &answer, &mut holes)?;
        self.poll(self.table.poll.as_ref(), &holes)?;
        self.then(&mut holes)
    }

    fn then(&self, holes: &mut Holes) -> Result<Written, StoreError> {
        for step in self.table.then.iter().flatten() {
            self.step(step, holes)?;
        }
        Ok(Written::Done)
    }

    fn remove_other(&self, element: &Holes, holes: &Holes) -> Result<(), StoreError> {
        let Some(step) = &self.table.remove else { return Ok(()) };
        let mut holes = holes.clone();
        holes.extend(element.clone());
        self.step(step, &mut holes).map(drop)
    }

    pub(super) fn note_unproven(&self, holes: &Holes) {
        let note = format!("`{}` is there already, and the server does not say with which bytes", file(holes));
        let mut state = self.state();
        if !state.notes.contains(&note) {
            state.notes.push(note);
        }
    }
}

/// The name of the artifact that these are facts of.
pub(super) fn file(holes: &Holes) -> String {
    holes.get("file").cloned().unwrap_or_default()
}

impl Place for Courier {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn get(&self, _: &str) -> Result<Option<Object>, StoreError> {
        Ok(None)
    }

    fn head(&self, _: &str) -> Result<Option<Meta>, StoreError> {
        Ok(None)
    }

    fn put(&self, key: &str, _: &Body, _: &Kind, _: &When) -> Result<Written, StoreError> {
        let job = self.state().jobs.get(key).cloned();
        match job {
            Some(Job::Send { holes, body, remove }) => self.send(&holes, &body, remove.as_ref()),
            Some(Job::Step(step)) => {
                let mut holes = self.holes(&Holes::new());
                let taken = self.step(&step, &mut holes)?;
                // Of somebody else who was faster, too.
                let names = step.take.keys().filter_map(|name| Some((name.clone(), holes.get(name)?.clone())));
                self.state().taken.extend(names);
                Ok(if taken.is_some() { Written::Done } else { Written::Lost })
            }
            None => Err(self.trouble(Refusal::Refused, "nothing is known of this request")),
        }
    }

    fn list(&self, _: &str, _: Depth) -> Result<Vec<Meta>, StoreError> {
        Ok(Vec::new())
    }

    fn remove(&self, _: &str) -> Result<(), StoreError> {
        Err(StoreError::new(&self.name, Trouble::Unsupported, "files are removed by the server's own means"))
    }

    fn hold(&self, _: &str) -> Result<Option<Hold<'_>>, StoreError> {
        Ok(None)
    }

    fn notes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().notes)
    }
}
