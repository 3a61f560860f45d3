// Fields of the occurrence that random queries ask for, with values that RandomOccurrences gives
// them and some that it does not.
#pragma once

#include <string>
#include <vector>

namespace cairn::testing {

struct RandomField {
  const char* name;
  std::vector<std::string> values;
};

inline const std::vector<RandomField>& random_event_fields() {
  static const std::vector<RandomField> fields = {
      {"level", {"error", "fatal", "info", "nolevel"}},
      {"release.version", {"1.0", "1.3", "2.5", "3.0"}},
      {"environment", {"production", "staging", "Production"}},
      {"env", {"staging"}},
      {"release", {"1.0", "1.3", "2.5", "3.0"}},
      {"browser", {"Chrome 120", "Firefox 119", "Safari 17", "chrome 120"}},
      {"shard", {"1", "2", "17", "29", "31"}},
      {"customer tier", {"tier 0", "tier 1", "tier 9"}},
      {"user", {"id:u0", "id:u1", "id:u7", "u0"}},
      {"user.id", {"u0", "u1", "u3", "id:u0"}},
      {"url", {"https://shop.example/0", "https://shop.example/1", "https://shop.example/17"}},
      {"title", {"Error 0 in part 0", "Error 1 in part 4", "error 0 in part 0"}},
      {"message", {"Quiet failure 0", "Quiet failure 1"}},
      {"error.type", {"IoError", "ParseError", "Timeout"}},
      {"fingerprint", {"fine-1", "mid-0", "coarse-0", "coarse-1"}},
      {"culprit", {"module_0", "module_3"}},
      {"absent", {"x"}},
      {"os.name", {"Linux", "Windows", "Plan 9"}},
      {"stack.function", {"pay", "ship", "main"}},
      {"stack.top", {"shop.m0 in pay", "shop.m1 in ship", "shop.m2 in main"}},
      {"evidence", {"Slow Query: SELECT 1 FROM cart", "rows: 3", "ROWS: 3"}},
      {"evidence.Slow Query", {"SELECT 0 FROM cart", "SELECT 2 FROM cart"}},
      {"error.mechanism", {"generic", "Generic"}},
  };
  return fields;
}

}  // namespace cairn::testing
