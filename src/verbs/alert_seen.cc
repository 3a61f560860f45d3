#include "verbs/alert_seen.h"

#include <fmt/format.h>

#include <algorithm>

#include "verbs/alert_arguments.h"

namespace cairn::verbs {
namespace {

// The same whether it is not there or not to be seen.
Error not_there(std::string_view what) {
  return make_error(ErrorCode::NotFound, fmt::format("no {} in the projects of this token", what));
}

}  // namespace

bool sees(const Rights& rights, const alert::Rule& rule) {
  if (rights.projects.empty()) return true;
  return !rule.projects.empty() &&
         std::all_of(rule.projects.begin(), rule.projects.end(),
                     [&](ProjectId project) { return rights.allow(project); });
}

bool SeenAlerts::sees(const alert::IncidentEntry& incident) const {
  if (!limited()) return true;
  const alert::RuleEntry* entry = alerts_.rule(incident.rule);
  return entry != nullptr && sees(*entry);
}

Result<const alert::RuleEntry*> SeenAlerts::rule(const std::string& reference) const {
  if (limited() && !is_rule_number(reference)) return named(reference);
  const auto number = alerts_.find_rule(reference);
  const alert::RuleEntry* entry = number.ok() ? alerts_.rule(*number) : nullptr;
  if (entry != nullptr && sees(*entry)) return entry;
  if (limited()) return not_there(fmt::format("alert rule {}", reference));
  return number.error();
}

Result<const alert::RuleEntry*> SeenAlerts::named(const std::string& name) const {
  const alert::RuleEntry* found = nullptr;
  size_t count = 0;
  alerts_.for_each_rule([&](const alert::RuleEntry& one) {
    if (one.rule.name != name || !sees(one)) return;
    if (++count == 1) found = &one;
  });
  if (count == 1) return found;
  if (count == 0) return not_there(fmt::format("alert rule '{}'", name));
  return make_error(ErrorCode::Conflict,
                    fmt::format("{} alert rules are called '{}': take a number, as in {}", count,
                                name, found->number));
}

Result<const alert::IncidentEntry*> SeenAlerts::incident(uint32_t number) const {
  const alert::IncidentEntry* found = alerts_.incident(number);
  if (found != nullptr && sees(*found)) return found;
  if (limited()) return not_there(fmt::format("incident {}", number));
  const bool was = number != 0 && number <= alerts_.last_incident();
  return make_error(
      ErrorCode::NotFound,
      was ? fmt::format("incident {} is closed long since, and only the newest {} "
                        "closed ones are kept",
                        number, alert::kMaxIncidents)
          : fmt::format("no incident {}: `alert STORE incidents` lists them", number));
}

}  // namespace cairn::verbs
