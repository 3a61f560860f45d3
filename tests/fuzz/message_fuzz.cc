// Any bytes are one line of input: read or refused. What is read survives to_json, and its terms
// do not depend on what was looked at before.
#include <string>
#include <variant>
#include <vector>

#include "fuzz/fuzz.h"
#include "model/message.h"
#include "model/occurrence.h"

using namespace cairn;

namespace {

void check_terms(const model::Occurrence& occurrence) {
  model::TermExtractor extractor;
  const auto written = [&] {
    std::vector<std::string> all;
    for (const model::Term& term : extractor.extract(occurrence)) {
      testing::promise(!term.value.empty(), "no term is empty");
      all.push_back(std::string(term.tag) + "=" + std::string(term.value));
    }
    return all;
  };
  const auto first = written();
  testing::promise(first == written(), "the same terms each time");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  model::MessageParser parser;
  const auto message = parser.parse(testing::fuzz_text(data, size));
  if (!message.ok()) {
    const Error& error = message.error();
    testing::promise(error.code == ErrorCode::InvalidArgument, "bad input is InvalidArgument");
    testing::promise(!error.message.empty(), "a refusal has a reason");
    testing::promise(error.position.value_or(0) <= size, "positions lie in the line");
    return 0;
  }
  const auto* occurrence = std::get_if<model::Occurrence>(&*message);
  if (occurrence == nullptr) return 0;
  const auto again = parser.parse(to_json(*occurrence));
  testing::promise(again.ok(), "what was read can be read again");
  testing::promise(std::get<model::Occurrence>(*again) == *occurrence, "and is the same");
  check_terms(*occurrence);
  return 0;
}
