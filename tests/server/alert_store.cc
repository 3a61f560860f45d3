// Makes a store with alert rules as of a time of the past, so that a test need not wait for ticks:
// what it imports by time afterwards is evaluated as it would have been then.
//
// Usage: alert_store STORE RULES SECONDS (since 1970)
#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "alert/alert_command.h"
#include "alert/rule.h"
#include "engine/store.h"

using namespace cairn;

namespace {

Result<void> run(const std::string& directory, const std::string& rules, int64_t second) {
  ManualClock clock(TimeUs{second * kMicrosPerSecond});
  engine::StoreOptions options;
  options.clock = &clock;
  CAIRN_TRY_ASSIGN(const auto store, engine::Store::open(directory, options));
  std::ifstream in(rules);
  std::string line;
  while (std::getline(in, line)) {
    CAIRN_TRY_ASSIGN(alert::Rule rule, alert::parse_rule(line));
    const alert::AlertCommand command = alert::AddRule{std::move(rule)};
    CAIRN_TRY_ASSIGN(const engine::SubmitResult done,
                     store->execute(std::span(&command, 1), {"user:1", ""}));
    if (done.items.front().error) return *done.items.front().error;
  }
  CAIRN_TRY(store->fill_alerts());
  return store->close();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto done = run(argv[1], argv[2], std::atoll(argv[3]));
  if (!done) fmt::print(stderr, "{}\n", done.error().message);
  return done ? 0 : 1;
}
