// What `alert test` found, as text and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alert/bound_rule.h"
#include "base/json_writer.h"
#include "verbs/alert_replay.h"
#include "verbs/console.h"

namespace cairn::verbs {

struct ReplayReport {
  const alert::Rule& rule;
  const alert::BoundRule& bound;
  const AlertReplay& replay;
  const model::State& state;
  Lsn lsn{};
  uint64_t limit = 0;              // keys shown
  std::vector<std::string> notes;  // sentences
};
void print_replay(const ReplayReport& report, Console& console);
std::string replay_json(const ReplayReport& report);

}  // namespace cairn::verbs
