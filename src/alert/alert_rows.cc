// Rows of the alert state in the index (docs/format.md, "Alerts").
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "alert/alert_state.h"
#include "storage/coding.h"
#include "storage/state_row.h"

namespace cairn::alert {
namespace {

using storage::Key;
using storage::key_part;
using storage::read_count;
using storage::RowReader;
using storage::RowWriter;

// First bytes of keys.
constexpr uint8_t kMetaRow = 'm';
constexpr uint8_t kRuleRow = 'r';
constexpr uint8_t kIncidentRow = 'i';
constexpr uint8_t kFiringRow = 'f';

std::string rule_key(uint32_t number) { return std::string(Key().u8(kRuleRow).u32(number).view()); }
std::string incident_key(uint32_t number) {
  return std::string(Key().u8(kIncidentRow).u32(number).view());
}
std::string firing_key(Lsn lsn) { return std::string(Key().u8(kFiringRow).u64(raw(lsn)).view()); }

Error damaged(std::string_view what) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("the index has a damaged {} of alerts: run 'cairn rebuild'", what));
}

// --- writing ---

void write(RowWriter& out, double value) { out.integer(std::bit_cast<uint64_t>(value)); }
void write(RowWriter& out, TimeUs value) { out.integer(raw(value)); }
void write(RowWriter& out, uint32_t value) { out.integer(value); }
void write(RowWriter& out, const Mark& mark);
void write(RowWriter& out, const Incident& incident);
template <class T>
void write(RowWriter& out, const std::optional<T>& value) {
  out.integer(static_cast<uint8_t>(value.has_value()));
  if (value) write(out, *value);
}
template <class Enum>
requires std::is_enum_v<Enum>
void write_enum(RowWriter& out, Enum value) { out.integer(static_cast<uint8_t>(value)); }

void write(RowWriter& out, const Mark& mark) {
  write(out, mark.at);
  out.text(mark.who);
}

void write(RowWriter& out, const Incident& incident) {
  out.integer(incident.number);
  write(out, incident.started);
  write(out, incident.detected);
  write_enum(out, incident.severity);
  write_enum(out, incident.worst);
  out.integer(incident.steps);
  write(out, incident.closed);
  out.integer(static_cast<uint8_t>(incident.method ? raw(*incident.method) : 0));
  write(out, incident.acknowledged);
  out.integer(static_cast<uint32_t>(incident.comments.size()));
  for (const Comment& comment : incident.comments) {
    write(out, comment.by);
    out.text(comment.text);
  }
}

void write(RowWriter& out, const TriggerState& trigger) {
  out.integer(static_cast<uint8_t>(trigger.active));
  out.integer(trigger.beyond).integer(trigger.healthy);
  write(out, trigger.last_fired);
}

void write(RowWriter& out, const RuleState& state) {
  write(out, state.last_tick);
  out.integer(state.incidents).integer(state.refused);
  out.integer(static_cast<uint32_t>(state.keys.size()));
  for (const auto& [key, one] : state.keys) {
    out.text(key);
    write(out, one.last_update);
    write(out, one.last_value);
    write(out, one.critical);
    write(out, one.warning);
    out.integer(one.incidents);
    write(out, one.open);
  }
}

void write(RowWriter& out, const MetricCondition& metric) {
  out.text(metric.aggregate).text(metric.percent_of).text(metric.group_by);
  out.integer(metric.time_window_min).integer(metric.resolution_min);
  write(out, metric.comparison_delta_min);
  write_enum(out, metric.threshold_type);
  out.integer(metric.threshold_period);
  write(out, metric.critical);
  write(out, metric.warning);
  write(out, metric.resolve_threshold);
  write_enum(out, metric.no_data);
}

void write(RowWriter& out, const IssueCondition& issue) {
  write_enum(out, issue.event);
  out.integer(issue.value).integer(issue.interval_min).integer(issue.quiet_min);
}

void write(RowWriter& out, const Rule& rule) {
  out.text(rule.name).text(rule.owner);
  out.integer(static_cast<uint32_t>(rule.projects.size()));
  for (const ProjectId project : rule.projects) out.integer(raw(project));
  out.text(rule.environment).text(rule.query);
  write_enum(out, rule.status);
  out.integer(static_cast<uint8_t>(rule.condition.index()));
  std::visit([&](const auto& condition) { write(out, condition); }, rule.condition);
}

AlertRow row_of(const RuleEntry& entry) {
  RowWriter out;
  write(out, entry.rule);
  out.text(entry.changed_by);
  write(out, entry.made);
  write(out, entry.changed);
  out.integer(raw(entry.counted_from));
  write(out, entry.state);
  out.integer(static_cast<uint32_t>(entry.open.size()));
  for (const auto& [key, number] : entry.open) out.text(key).integer(number);
  out.integer(static_cast<uint32_t>(entry.alerted.size()));
  for (const auto& [issue, at] : entry.alerted) {
    out.integer(raw(issue.project)).integer(issue.number);
    write(out, at);
  }
  out.integer(entry.fired);
  return {rule_key(entry.number), out.bytes()};
}

AlertRow row_of(const IncidentEntry& entry) {
  RowWriter out;
  out.integer(entry.rule).text(entry.rule_name).text(entry.key);
  write(out, entry.incident);
  out.integer(static_cast<uint32_t>(entry.steps.size()));
  for (const IncidentStep& step : entry.steps) {
    out.integer(raw(step.lsn)).integer(step.ordinal);
    write(out, step.at);
    write_enum(out, step.from);
    write_enum(out, step.to);
    write(out, step.value);
    out.text(step.who);
  }
  return {incident_key(entry.number), out.bytes()};
}

AlertRow row_of(const Firing& firing) {
  RowWriter out;
  write(out, firing.at);
  out.integer(firing.rule).text(firing.rule_name);
  out.integer(raw(firing.issue.project)).integer(firing.issue.number);
  write_enum(out, firing.event);
  out.text(firing.occurrence);
  return {firing_key(firing.lsn), out.bytes()};
}

// --- reading: what is out of its range makes the reader fail ---

void read(RowReader& in, double& out) { out = std::bit_cast<double>(in.integer<uint64_t>()); }
void read(RowReader& in, TimeUs& out) { out = TimeUs{in.integer<int64_t>()}; }
void read(RowReader& in, uint32_t& out) { out = in.integer<uint32_t>(); }
void read(RowReader& in, std::string& out) { out = in.text(); }
void read(RowReader& in, Mark& out);
void read(RowReader& in, Incident& out);
template <class T>
void read(RowReader& in, std::optional<T>& out) {
  out.reset();
  const uint8_t there = in.integer<uint8_t>();
  if (there > 1) in.fail();
  if (there == 1) read(in, out.emplace());
}
template <class Enum>
void read_enum(RowReader& in, Enum last, Enum& out) {
  const uint8_t value = in.integer<uint8_t>();
  if (value > static_cast<uint8_t>(last)) return in.fail();
  out = Enum{value};
}

void read(RowReader& in, Mark& out) {
  read(in, out.at);
  read(in, out.who);
}

void read(RowReader& in, Incident& out) {
  read(in, out.number);
  read(in, out.started);
  read(in, out.detected);
  read_enum(in, Severity::Critical, out.severity);
  read_enum(in, Severity::Critical, out.worst);
  read(in, out.steps);
  read(in, out.closed);
  CloseMethod method{};
  read_enum(in, CloseMethod::RuleTriggered, method);
  if (raw(method) != 0) out.method = method;
  read(in, out.acknowledged);
  out.comments.resize(read_count(in, 16));
  for (Comment& comment : out.comments) {
    read(in, comment.by);
    read(in, comment.text);
  }
}

void read(RowReader& in, TriggerState& out) {
  const uint8_t active = in.integer<uint8_t>();
  if (active > 1) in.fail();
  out.active = active == 1;
  read(in, out.beyond);
  read(in, out.healthy);
  read(in, out.last_fired);
}

void read(RowReader& in, RuleState& out) {
  read(in, out.last_tick);
  read(in, out.incidents);
  out.refused = in.integer<uint64_t>();
  for (uint32_t left = read_count(in, 24); left > 0 && in.ok(); --left) {
    std::string key;
    read(in, key);
    KeyState& one = out.keys[key];
    read(in, one.last_update);
    read(in, one.last_value);
    read(in, one.critical);
    read(in, one.warning);
    read(in, one.incidents);
    read(in, one.open);
  }
}

void read(RowReader& in, MetricCondition& out) {
  read(in, out.aggregate);
  read(in, out.percent_of);
  read(in, out.group_by);
  read(in, out.time_window_min);
  read(in, out.resolution_min);
  read(in, out.comparison_delta_min);
  read_enum(in, Direction::Below, out.threshold_type);
  read(in, out.threshold_period);
  read(in, out.critical);
  read(in, out.warning);
  read(in, out.resolve_threshold);
  read_enum(in, NoData::Hold, out.no_data);
}

void read(RowReader& in, IssueCondition& out) {
  read_enum(in, IssueEvent::SeenByUsers, out.event);
  read(in, out.value);
  read(in, out.interval_min);
  read(in, out.quiet_min);
}

void read(RowReader& in, Rule& out) {
  read(in, out.name);
  read(in, out.owner);
  for (uint32_t left = read_count(in, sizeof(uint64_t)); left > 0; --left) {
    out.projects.push_back(ProjectId{in.integer<uint64_t>()});
  }
  read(in, out.environment);
  read(in, out.query);
  read_enum(in, RuleStatus::Disabled, out.status);
  const uint8_t kind = in.integer<uint8_t>();
  if (kind > 1) in.fail();
  if (kind == 0) {
    read(in, out.condition.emplace<MetricCondition>());
  } else {
    read(in, out.condition.emplace<IssueCondition>());
  }
}

void read(RowReader& in, RuleEntry& out) {
  read(in, out.rule);
  read(in, out.changed_by);
  read(in, out.made);
  read(in, out.changed);
  out.counted_from = Lsn{in.integer<uint64_t>()};
  read(in, out.state);
  for (uint32_t left = read_count(in, 8); left > 0 && in.ok(); --left) {
    std::string key;
    read(in, key);
    read(in, out.open[key]);
  }
  for (uint32_t left = read_count(in, 20); left > 0 && in.ok(); --left) {
    IssueName issue;
    issue.project = ProjectId{in.integer<uint64_t>()};
    read(in, issue.number);
    read(in, out.alerted[issue]);
  }
  out.fired = in.integer<uint64_t>();
}

void read(RowReader& in, IncidentEntry& out) {
  read(in, out.rule);
  read(in, out.rule_name);
  read(in, out.key);
  read(in, out.incident);
  out.steps.resize(read_count(in, 27));
  for (IncidentStep& step : out.steps) {
    step.lsn = Lsn{in.integer<uint64_t>()};
    read(in, step.ordinal);
    read(in, step.at);
    read_enum(in, Severity::Critical, step.from);
    read_enum(in, Severity::Critical, step.to);
    read(in, step.value);
    read(in, step.who);
  }
}

void read(RowReader& in, Firing& out) {
  read(in, out.at);
  read(in, out.rule);
  read(in, out.rule_name);
  out.issue.project = ProjectId{in.integer<uint64_t>()};
  read(in, out.issue.number);
  read_enum(in, IssueEvent::Escalating, out.event);
  read(in, out.occurrence);
}

}  // namespace

AlertRow AlertState::meta_row() const {
  RowWriter out;
  out.integer(static_cast<uint32_t>(rules_.size())).integer(last_incident_);
  write(out, last_tick_);
  return {std::string(1, kMetaRow), out.bytes()};
}

std::vector<AlertRow> AlertState::all_rows() const {
  std::vector<AlertRow> rows;
  if (rules_.empty()) return rows;
  rows.push_back(meta_row());
  for_each_rule([&](const RuleEntry& one) { rows.push_back(row_of(one)); });
  for (const auto& [number, one] : incidents_) rows.push_back(row_of(*one));
  for (const Firing& one : firings_) rows.push_back(row_of(one));
  return rows;
}

std::vector<AlertRow> AlertState::dirty_rows() const {
  std::vector<AlertRow> rows;
  if (dirty_meta_) rows.push_back(meta_row());
  for (const uint32_t number : dirty_rules_) {
    const RuleEntry* entry = rule(number);
    rows.push_back(entry != nullptr ? row_of(*entry) : AlertRow{rule_key(number), std::nullopt});
  }
  for (const uint32_t number : dirty_incidents_) {
    const IncidentEntry* entry = incident(number);
    rows.push_back(entry != nullptr ? row_of(*entry)
                                    : AlertRow{incident_key(number), std::nullopt});
  }
  for (const Lsn lsn : dirty_firings_) {
    const auto at = std::lower_bound(firings_.begin(), firings_.end(), lsn,
                                     [](const Firing& one, Lsn key) { return one.lsn < key; });
    const bool kept = at != firings_.end() && at->lsn == lsn;
    rows.push_back(kept ? row_of(*at) : AlertRow{firing_key(lsn), std::nullopt});
  }
  return rows;
}

void AlertState::clear_dirty() {
  dirty_rules_.clear();
  dirty_incidents_.clear();
  dirty_firings_.clear();
  dirty_meta_ = false;
}

Result<void> AlertState::restore(std::string_view key, std::span<const std::byte> value) {
  RowReader in(value);
  const uint8_t kind = key.empty() ? 0 : static_cast<uint8_t>(key.front());
  if (kind == kMetaRow && key.size() == 1) {
    const uint32_t last_rule = in.integer<uint32_t>();
    last_incident_ = in.integer<uint32_t>();
    read(in, last_tick_);
    if (!in.done() || last_rule > kMaxRules || last_rule < rules_.size()) return damaged("summary");
    rules_.resize(last_rule);
    return {};
  }
  if (kind == kRuleRow && key.size() == 5) {
    auto entry = std::make_shared<RuleEntry>();
    entry->number = key_part<uint32_t>(key, 1);
    read(in, *entry);
    if (!in.done() || entry->number == 0 || entry->number > kMaxRules) return damaged("rule");
    if (!check_limits(entry->rule).ok()) return damaged("rule");
    if (rules_.size() < entry->number) rules_.resize(entry->number);
    rules_[entry->number - 1] = std::move(entry);
    ++rule_count_;
    return {};
  }
  if (kind == kIncidentRow && key.size() == 5) {
    auto entry = std::make_shared<IncidentEntry>();
    entry->number = key_part<uint32_t>(key, 1);
    read(in, *entry);
    if (!in.done() || entry->steps.empty()) return damaged("incident");
    if (entry->incident.closed) closed_.insert(entry->number);
    incidents_[entry->number] = std::move(entry);
    return {};
  }
  if (kind == kFiringRow && key.size() == 9) {
    Firing firing;
    firing.lsn = Lsn{key_part<uint64_t>(key, 1)};
    read(in, firing);
    if (!in.done()) return damaged("firing");
    firings_.push_back(std::move(firing));
    return {};
  }
  return damaged("row");
}

Result<void> AlertState::restored() {
  std::sort(firings_.begin(), firings_.end(),
            [](const Firing& a, const Firing& b) { return a.lsn < b.lsn; });
  for (const auto& [number, entry] : incidents_) {
    if (number > last_incident_ || entry->rule > rules_.size()) return damaged("incident");
    const auto not_behind = [](const IncidentStep& a, const IncidentStep& b) {
      return a.place() >= b.place();
    };
    if (entry->steps.size() > entry->incident.steps ||
        std::ranges::adjacent_find(entry->steps, not_behind) != entry->steps.end()) {
      return damaged("incident");
    }
    for (const IncidentStep& step : entry->steps) {
      order_.push_back({step.place(), number});
    }
  }
  for (const Firing& firing : firings_) order_.push_back({{firing.lsn, 0}, 0});
  std::sort(order_.begin(), order_.end(),
            [](const Told& a, const Told& b) { return a.place < b.place; });
  order_limit_ = std::max(order_limit_, 2 * order_.size());
  for (const auto& entry : rules_) {
    if (!entry) continue;
    for (const auto& [key, number] : entry->open) {
      const IncidentEntry* open = incident(number);
      if (open == nullptr || open->incident.closed) return damaged("rule");
    }
    for (const auto& [key, state] : entry->state.keys) {
      const auto open = entry->open.find(key);
      if (state.open.has_value() != (open != entry->open.end())) return damaged("rule");
      if (state.open && state.open->steps != incident(open->second)->incident.steps) {
        return damaged("rule");
      }
    }
  }
  clear_dirty();
  return {};
}

}  // namespace cairn::alert
