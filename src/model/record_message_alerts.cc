#include "model/record_message_alerts.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

#include "model/record_message_values.h"

namespace cairn::model {
namespace {

// AlertValue::state
constexpr uint8_t kKnown = 0;
constexpr uint8_t kNoValue = 1;
constexpr uint8_t kIncomplete = 2;

constexpr uint8_t kLastStatus = 4;
constexpr uint8_t kLastEvent = 2;  // of those that are no counts
constexpr uint8_t kLastChange = 2;

using model::read;  // which those below would hide

bool is_finite(const std::optional<double>& value) { return !value || std::isfinite(*value); }

std::optional<std::string> unlisted(std::string_view what, uint8_t value) {
  return fmt::format("{} is {}", what, value);
}

std::optional<std::string> read(schema::AlertStatusChanged::Reader in, RecordBody& body) {
  AlertStatusChanged out;
  if (in.getStatus() > kLastStatus) return unlisted("status of alert rules", in.getStatus());
  out.status = in.getStatus();
  for (const uint32_t rule : in.getRules()) out.rules.push_back(rule);
  body = std::move(out);
  return std::nullopt;
}

std::optional<std::string> read(schema::AlertsTicked::Reader in, RecordBody& body) {
  AlertsTicked out;
  out.tick = TimeUs{in.getTickUs()};
  out.more = in.getMore();
  const auto values = in.getValues();  // once: RecordMessage::open() counts what is visited
  out.values.reserve(values.size());
  for (const auto one : values) {
    AlertsTicked::Value& value = out.values.emplace_back();
    value.rule = one.getRule();
    read(one.getKey(), value.key);
    if (one.getState() > kIncomplete) return unlisted("state of an alert value", one.getState());
    value.incomplete = one.getState() == kIncomplete;
    if (one.getState() == kKnown) value.value = one.getValue();
    if (one.getHasBase()) value.base = one.getBase();
    // None is ever written: what is not finite is no value, and thresholds have no answer to it.
    if (!is_finite(value.value) || !is_finite(value.base)) return "an alert value is not finite";
  }
  body = std::move(out);
  return std::nullopt;
}

std::optional<std::string> read(schema::AlertFired::Reader in, RecordBody& body) {
  AlertFired out;
  out.rule = in.getRule();
  out.project = ProjectId{in.getProject()};
  out.number = in.getNumber();
  if (in.getEvent() > kLastEvent) return unlisted("event of an alert", in.getEvent());
  out.event = in.getEvent();
  if (in.hasOccurrence()) {
    out.occurrence = read(in.getOccurrence());
  }
  body = out;
  return std::nullopt;
}

std::optional<std::string> read(schema::IncidentChanged::Reader in, RecordBody& body) {
  IncidentChanged out;
  out.incident = in.getIncident();
  if (in.getChange() > kLastChange) return unlisted("change of an incident", in.getChange());
  out.change = static_cast<IncidentChange>(in.getChange());
  read(in.getText(), out.text);
  body = std::move(out);
  return std::nullopt;
}

}  // namespace

void write_alert(const AlertRuleChanged& body, schema::Record::Builder out) {
  auto changed = out.initAlertRuleChanged();
  changed.setRule(body.rule);
  if (!body.text.empty()) changed.setText(as_text(body.text));
}

void write_alert(const AlertStatusChanged& body, schema::Record::Builder out) {
  auto changed = out.initAlertStatusChanged();
  changed.setStatus(body.status);
  auto rules = changed.initRules(static_cast<uint32_t>(body.rules.size()));
  for (uint32_t i = 0; i < rules.size(); ++i) rules.set(i, body.rules[i]);
}

void write_alert(const AlertsTicked& body, schema::Record::Builder out) {
  auto ticked = out.initAlertsTicked();
  ticked.setTickUs(raw(body.tick));
  ticked.setMore(body.more);
  auto values = ticked.initValues(static_cast<uint32_t>(body.values.size()));
  for (uint32_t i = 0; i < values.size(); ++i) {
    const AlertsTicked::Value& value = body.values[i];
    values[i].setRule(value.rule);
    if (!value.key.empty()) values[i].setKey(as_text(value.key));
    values[i].setState(value.incomplete ? kIncomplete : value.value ? kKnown : kNoValue);
    if (value.value && !value.incomplete) values[i].setValue(*value.value);
    values[i].setHasBase(value.base.has_value());
    if (value.base) values[i].setBase(*value.base);
  }
}

void write_alert(const AlertFired& body, schema::Record::Builder out) {
  auto fired = out.initAlertFired();
  fired.setRule(body.rule);
  fired.setProject(raw(body.project));
  fired.setNumber(body.number);
  fired.setEvent(body.event);
  if (body.occurrence) write(*body.occurrence, fired.initOccurrence());
}

void write_alert(const IncidentChanged& body, schema::Record::Builder out) {
  auto changed = out.initIncidentChanged();
  changed.setIncident(body.incident);
  changed.setChange(raw(body.change));
  if (!body.text.empty()) changed.setText(as_text(body.text));
}

std::optional<std::string> read_alert(schema::Record::Reader in, RecordBody& out) {
  if (in.isAlertRuleChanged()) {
    const auto change = in.getAlertRuleChanged();
    AlertRuleChanged changed;
    changed.rule = change.getRule();
    read(change.getText(), changed.text);
    out = std::move(changed);
    return std::nullopt;
  }
  if (in.isAlertStatusChanged()) return read(in.getAlertStatusChanged(), out);
  if (in.isAlertsTicked()) return read(in.getAlertsTicked(), out);
  if (in.isAlertFired()) return read(in.getAlertFired(), out);
  return read(in.getIncidentChanged(), out);
}

}  // namespace cairn::model
