// What of alerts somebody sees and may change who is limited to projects: rules whose projects are
// all among these, and the incidents of such rules. Everybody else sees everything.
//
// Borrows what it is given. Thread: that of the snapshot.
#pragma once

#include <cstdint>
#include <string>

#include "alert/alert_state.h"
#include "base/result.h"
#include "verbs/demand.h"

namespace cairn::verbs {

bool sees(const Rights& rights, const alert::Rule& rule);

class SeenAlerts {
 public:
  SeenAlerts(const alert::AlertState& alerts, const Rights& rights)
      : alerts_(alerts), rights_(rights) {}

  const alert::AlertState& all() const { return alerts_; }
  bool limited() const { return !rights_.projects.empty(); }
  bool sees(const alert::RuleEntry& entry) const { return verbs::sees(rights_, entry.rule); }
  // Of rules that were removed only who sees everything.
  bool sees(const alert::IncidentEntry& incident) const;
  // By number, or by a name that one rule alone has. NotFound, also of what is not seen; Conflict.
  Result<const alert::RuleEntry*> rule(const std::string& reference) const;
  Result<const alert::IncidentEntry*> incident(uint32_t number) const;

 private:
  Result<const alert::RuleEntry*> named(const std::string& name) const;

  const alert::AlertState& alerts_;
  const Rights& rights_;
};

}  // namespace cairn::verbs
