//! What starts a service in the place of the boot: `[service.timer]`, `[service.socket]`.

#![expect(clippy::option_option, reason = "the outer says whether it is as it must be, the inner whether it is set")]

use super::super::{Socket, Timer};
use super::One;
use crate::config::schema::Text;
use crate::diagnostic::{Diagnostic, codes};

impl One<'_> {
    pub(super) fn timer(&self) -> Option<Option<Timer>> {
        let Some(timer) = &self.typed.timer else { return Some(None) };
        let words = |text: &Text| self.line(text);
        let on_calendar = Self::each(&timer.on_calendar, words);
        let time = |text: &Text| self.duration(text).map(|_| text.trim().to_owned());
        let on_boot = Self::maybe(timer.on_boot.as_ref(), time);
        let on_active = Self::maybe(timer.on_active.as_ref(), time);
        let delay = Self::maybe(timer.randomized_delay.as_ref(), time);
        if timer.on_calendar.is_empty() && timer.on_boot.is_none() && timer.on_active.is_none() {
            self.missing("`[service.timer]` says no time", "set `on-calendar`, `on-boot` or `on-active`");
            return None;
        }
        Some(Some(Timer {
            on_calendar: on_calendar?,
            on_boot: on_boot?,
            on_active: on_active?,
            persistent: timer.persistent,
            randomized_delay: delay?,
        }))
    }

    pub(super) fn socket(&self) -> Option<Option<Socket>> {
        let Some(socket) = &self.typed.socket else { return Some(None) };
        let words = |text: &Text| self.line(text);
        let (stream, datagram) = (Self::each(&socket.listen_stream, words), Self::each(&socket.listen_datagram, words));
        let mode = Self::maybe(socket.mode.as_ref(), |text| self.mode(text));
        if socket.listen_stream.is_empty() && socket.listen_datagram.is_empty() {
            self.missing("`[service.socket]` listens on nothing", "set `listen-stream` or `listen-datagram`");
            return None;
        }
        Some(Some(Socket { stream: stream?, datagram: datagram?, mode: mode?, accept: socket.accept }))
    }

    fn missing(&self, message: &str, help: &str) {
        let told = Diagnostic::error(codes::CONFIG_MISSING_KEY, message);
        self.ground.report(told.at(&self.ground.span(&self.typed.range), "in this service").help(help));
    }
}
