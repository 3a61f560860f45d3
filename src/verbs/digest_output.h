// A digest as text, as JSON, and as one HTML page that needs nothing else (digest_html.cc).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "alert/digest.h"
#include "base/ids.h"
#include "verbs/terminal.h"

namespace cairn::verbs {

inline constexpr size_t kMaxDigestRules = 100;    // shown; JSON has all
inline constexpr size_t kMaxDigestIssues = 2000;  // of all rules together

struct DigestReport {
  const alert::Digest& digest;
  std::string_view target;  // whose it is; "" = nobody's in particular
  size_t limit = 0;         // issues of a rule that are shown
  Lsn lsn{};
};

// Lines with their ends, as wide as the terminal.
std::string digest_text(const DigestReport& report, const Terminal& terminal);
std::string digest_json(const DigestReport& report);
// Nothing in it runs, and nothing is fetched; whatever is said by others is text in it.
std::string digest_html(const DigestReport& report);

// --- what text and page have in common ----------------------------------------------------------

struct ShownRule {
  const alert::DigestRule* rule = nullptr;
  size_t shown = 0;  // of its entries, the first
};
// Within kMaxDigestRules and kMaxDigestIssues.
std::vector<ShownRule> shown_rules(const DigestReport& report);
// Events of all issues that have a trend, by column.
std::vector<uint64_t> total_trend(const alert::Digest& digest);
// "2026-11-30 08:51", in UTC.
std::string minute_text(TimeUs time);
// "1 hour", "6 hours", "1 day"
std::string column_text(const alert::DigestChart& chart);
// What is left out or cut, a sentence each.
std::vector<std::string> remarks_of(const DigestReport& report);
// "1 issue", "1,200 issues"
std::string count_text(uint64_t count, std::string_view noun);

}  // namespace cairn::verbs
