// Files of pairs: every line is a pair or a refusal with a reason, and a pair reads back as the
// same one from a file of refused pairs.
#include <algorithm>
#include <string>

#include "fuzz/fuzz.h"
#include "verbs/dead_letter.h"
#include "verbs/pair_reader.h"

using namespace cairn;

namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
}

void check_reads_back(const verbs::Pair& pair, const verbs::PairColumns& columns) {
  if (!is_ascii(pair.child) || !is_ascii(pair.primary)) return;  // JSON holds UTF-8 only
  const std::string line = verbs::pair_json(pair, columns);
  const std::string entry =
      verbs::rejected_line({"f", 1, false, line, make_error(ErrorCode::NotFound, "unknown")});
  for (const std::string& text : {line, entry}) {
    verbs::PairReader reader(columns);
    const auto header = reader.start(text);
    testing::promise(header.ok() && !*header, "a pair as JSON is no header");
    const auto again = reader.read(text);
    testing::promise(again.ok() && *again == pair, "a pair reads back as the same one");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = testing::fuzz_text(data, size);
  verbs::PairColumns columns;
  columns.named = size % 2 == 1;
  verbs::PairReader reader(columns);
  for (bool first = true; !text.empty(); first = false) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (first) {
      const auto header = reader.start(line);
      if (!header.ok()) return 0;
      if (*header) continue;
    }
    const auto pair = reader.read(line);
    if (pair.ok()) {
      testing::promise(!pair->child.empty() && !pair->primary.empty(), "a pair has two words");
      check_reads_back(*pair, columns);
    } else {
      testing::promise(!pair.error().message.empty(), "a refusal has a reason");
    }
  }
  return 0;
}
