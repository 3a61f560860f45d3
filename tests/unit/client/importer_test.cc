// Lines into a sink: order, counting, refusals, references, time order, faults, interruption.
#include "client/importer.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

#include "verbs/dead_letter.h"

using namespace cairn;
using client::import_messages;
using client::ImportInput;
using client::ImportOptions;
using client::ImportSummary;
using client::Line;
using client::LineSource;
using client::Refusal;

namespace {

// Remembers what it was given; occurrences are known by id, operations of kind "note" are refused.
// Answers late, as a store does: a batch is taken when its answer is asked for.
class FakeSink final : public client::MessageSink {
 public:
  std::future<Result<engine::SubmitResult>> submit(engine::PreparedMessages prepared,
                                                   std::span<const client::LineOrigin>,
                                                   const engine::SubmitOptions& options) override {
    return std::async(std::launch::deferred, [this, options, batch = std::move(prepared)] {
      if (*options.sequence_failed) return Result<engine::SubmitResult>(after_failure());
      auto answer = answer_to(batch, options);
      if (!answer.ok()) *options.sequence_failed = true;
      return answer;
    });
  }
  static Error after_failure() { return make_error(ErrorCode::Conflict, "one before it failed"); }
  Result<engine::SubmitResult> answer_to(const engine::PreparedMessages& prepared,
                                         const engine::SubmitOptions& options) {
    REQUIRE(prepared.terms.size() == prepared.messages.size());
    for (size_t i = 0; i < prepared.messages.size(); ++i) {
      REQUIRE(prepared.terms.terms(i).empty() ==
              !std::holds_alternative<model::Occurrence>(prepared.messages[i]));
    }
    if (broken_at != 0 && ++submits >= broken_at) {
      return make_error(ErrorCode::Exhausted, "the disk is full");
    }
    input_time = options.input_time;
    actor = options.actor;
    engine::SubmitResult result;
    for (const auto& message : prepared.messages) result.items.push_back(take(message));
    result.lsn = Lsn{stored.size()};
    return result;
  }
  Result<bool> has_occurrence(ProjectId, const Uuid& id) override { return known.contains(id); }

  std::vector<std::string> stored;  // titles and operations in order
  std::set<Uuid> known;
  bool input_time = false;
  std::string actor;
  int broken_at = 0;  // the n-th submit fails; 0 = none
  int submits = 0;

 private:
  engine::ItemResult take(const model::Message& message) {
    if (const auto* occurrence = std::get_if<model::Occurrence>(&message)) {
      if (!known.insert(occurrence->id).second) return {engine::Outcome::Duplicate, {}, {}};
      stored.push_back(occurrence->title.value_or(""));
      return {engine::Outcome::Stored, Lsn{stored.size()}, {}};
    }
    const auto* op = std::get_if<model::WorkflowOp>(&message);
    if (op == nullptr) return {engine::Outcome::NoChange, {}, {}};
    if (op->op == "occurrence") {
      if (known.contains(*op->occurrence)) return {engine::Outcome::Reference, {}, {}};
      return {engine::Outcome::Refused, {}, make_error(ErrorCode::NotFound, "unknown id")};
    }
    if (op->op == "note") {
      return {engine::Outcome::Refused, {}, make_error(ErrorCode::NotFound, "fp: unknown 'x1'")};
    }
    stored.push_back(op->op);
    return {engine::Outcome::Stored, Lsn{stored.size()}, {}};
  }
};

class GivenLines final : public LineSource {
 public:
  GivenLines(std::vector<std::string> lines, std::optional<Error> fault)
      : lines_(std::move(lines)), fault_(std::move(fault)) {}
  Result<std::optional<Line>> next() override {
    if (at_ < lines_.size()) {
      const std::string& text = lines_[at_++];
      return std::optional<Line>(Line{text, at_, text.size(), false});
    }
    if (fault_) return *fault_;
    return std::optional<Line>();
  }
  uint64_t consumed() const override { return at_; }

 private:
  std::vector<std::string> lines_;
  std::optional<Error> fault_;
  size_t at_ = 0;
};

ImportInput input(std::string name, std::vector<std::string> lines,
                  std::optional<Error> fault = {}) {
  const uint64_t size = lines.size();
  return {std::move(name),
          [lines, fault](const client::WaitHooks&) -> Result<std::unique_ptr<LineSource>> {
            return std::unique_ptr<LineSource>(new GivenLines(lines, fault));
          },
          size};
}

std::string id_of(int number) { return fmt::format("{:032x}", number); }

std::string occurrence(int number, double time = 1000) {
  return fmt::format(
      R"({{"id":"{0}","project_id":1,"fingerprint":["f{1}"],"issue_title":"t{1}","subtitle":null,)"
      R"("type":1,"detection_time":{2},"event":{{"event_id":"{0}","project_id":1,"timestamp":{2},)"
      R"("platform":"c","tags":{{}}}}}})",
      id_of(number), number, time);
}

std::string op(const std::string& kind, double time, const std::string& more = {}) {
  return fmt::format(R"({{"t":{},"project_id":1,"issue":"A-1","op":"{}","fp":"f1"{}}})", time, kind,
                     more);
}

std::string reference(int number, double time = 1000) {
  return op("occurrence", time, fmt::format(R"(,"id":"{}")", id_of(number)));
}

struct Run {
  ImportSummary summary;
  std::vector<Refusal> refusals;
};

Run import(FakeSink& sink, const std::vector<ImportInput>& inputs, ImportOptions options = {}) {
  Run run;
  options.on_refusal = [&](const Refusal& refusal) -> Result<void> {
    run.refusals.push_back(refusal);
    return {};
  };
  run.summary = import_messages(sink, inputs, options);
  const auto& s = run.summary;
  CHECK(s.lines == s.stored + s.duplicates + s.no_change + s.references + s.refused);
  return run;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("files are taken one after the other; blank lines are none") {
  FakeSink sink;
  ImportOptions options;
  options.actor = "ada";
  const auto run = import(sink,
                          {input("a", {occurrence(1, 50), "", occurrence(2, 10)}), input("b", {}),
                           input("c", {"  ", occurrence(3, 5), occurrence(1)})},
                          options);
  CHECK(sink.stored == Strings{"t1", "t2", "t3"});
  CHECK(run.summary.lines == 4);
  CHECK(run.summary.stored == 3);
  CHECK(run.summary.duplicates == 1);
  CHECK(run.summary.lsn == Lsn{3});
  CHECK(!sink.input_time);
  CHECK(sink.actor == "ada");
}

TEST_CASE("many lines keep their order over many batches") {
  FakeSink sink;
  Strings lines;
  Strings titles;
  for (int i = 0; i < 9000; ++i) {
    lines.push_back(occurrence(i));
    titles.push_back(fmt::format("t{}", i));
  }
  const auto run = import(sink, {input("a", lines)});
  CHECK(run.summary.stored == 9000);
  CHECK(sink.stored == titles);
}

TEST_CASE("refusals of parser and store are reported in input order with their lines") {
  FakeSink sink;
  ImportOptions options;
  options.keep_text = true;
  const auto run = import(
      sink, {input("a", {occurrence(1), op("note", 1), "{", occurrence(2), op("note", 2), "[]"})},
      options);
  REQUIRE(run.refusals.size() == 4);
  const uint64_t expected[] = {2, 3, 5, 6};
  for (size_t i = 0; i < 4; ++i) {
    CHECK(run.refusals[i].line == expected[i]);
    CHECK(run.refusals[i].file == "a");
  }
  CHECK(run.refusals[0].text == op("note", 1));
  CHECK(run.refusals[1].text == "{");
  CHECK(run.summary.refused == 4);
  CHECK(run.summary.reasons.at("fp: unknown ...") == 2);
  CHECK(sink.stored == Strings{"t1", "t2"});
}

TEST_CASE("a dead-letter file can be imported again") {
  FakeSink sink;
  ImportOptions options;
  options.keep_text = true;
  auto run = import(sink, {input("a", {op("note", 1)})}, options);
  REQUIRE(run.refusals.size() == 1);
  // Still refused: the entry is about the line, not about the entry.
  run = import(sink, {input("rejects", {rejected_line(run.refusals[0])})}, options);
  REQUIRE(run.refusals.size() == 1);
  CHECK(run.refusals[0].text == op("note", 1));
  Refusal good{"a", 9, false, occurrence(5), make_error(ErrorCode::Conflict, "strict")};
  run = import(sink, {input("rejects", {rejected_line(good)})}, options);
  CHECK(run.summary.stored == 1);
  CHECK(sink.stored == Strings{"t5"});
}

TEST_CASE("references may come before their occurrence, in any file") {
  FakeSink sink;
  sink.known.insert(*parse_uuid(id_of(77)));
  const auto run = import(sink, {input("ops", {reference(1), reference(77), reference(2)}),
                                 input("occurrences", {occurrence(1), occurrence(2)})});
  CHECK(run.summary.references == 3);
  CHECK(run.summary.refused == 0);
}

TEST_CASE("a reference to nothing is refused at the end with its place") {
  FakeSink sink;
  const auto run = import(
      sink, {input("ops", {reference(1), reference(9)}), input("occurrences", {occurrence(1)})});
  CHECK(run.summary.references == 1);
  REQUIRE(run.refusals.size() == 1);
  CHECK(run.refusals[0].line == 2);
  CHECK(run.refusals[0].file == "ops");
  CHECK(run.refusals[0].error.code == ErrorCode::NotFound);
}

TEST_CASE("too many references that wait are refused as such, and only while input goes on") {
  ImportOptions options;
  Strings operations;
  for (int i = 0; i < 5; ++i) operations.push_back(reference(i));
  Strings others;  // more than one batch
  for (int i = 100; i < 9000; ++i) others.push_back(occurrence(i));
  const Strings late = {occurrence(0), occurrence(1), occurrence(2), occurrence(3), occurrence(4)};
  const std::string advice =
      " wait for occurrences further on in the input; give the file of occurrences first, or use "
      "--by-time";
  const auto refusals = [&](const std::string& bound) {
    FakeSink sink;
    const auto run =
        import(sink, {input("ops", operations), input("a", others), input("b", late)}, options);
    CHECK(run.summary.stored == 8905);
    for (const Refusal& refusal : run.refusals) {
      CHECK(refusal.file == "ops");
      CHECK(refusal.error.code == ErrorCode::Exhausted);
      CHECK(refusal.error.message == bound + advice);
    }
    CHECK(run.summary.references + run.summary.refused == 5);
    return run.refusals.size();
  };
  options.max_held = 4;
  CHECK(refusals("more than 4 occurrence operations") == 5);
  options.max_held = 5;
  CHECK(refusals("") == 0);
  options.max_held_bytes = 100;
  CHECK(refusals("") == 0);  // no lines are kept
  options.keep_text = true;
  CHECK(refusals("occurrence operations of more than 100 bytes") == 5);

  options.max_held = 1;
  FakeSink sink;
  const auto run =
      import(sink, {input("ops", {reference(1), reference(2), reference(9)})}, options);
  REQUIRE(run.refusals.size() == 3);
  CHECK(run.refusals[0].error.code == ErrorCode::NotFound);  // there was no more to wait for
}

TEST_CASE("by time: inputs are interleaved, occurrences before operations of the same time") {
  FakeSink sink;
  ImportOptions options;
  options.by_time = true;
  const auto run = import(
      sink,
      {input("ops", {op("label", 10), op("lock", 20), op("rename", 30)}),
       input("a", {occurrence(1, 10), occurrence(2, 25)}),
       input("b", {occurrence(3, 10), occurrence(4, 5), occurrence(5, 30), occurrence(6, 40)})},
      options);
  CHECK(sink.stored == Strings{"t1", "t3", "t4", "label", "lock", "t2", "t5", "rename", "t6"});
  CHECK(sink.input_time);
  CHECK(run.summary.stored == 9);
}

TEST_CASE("by time: refused lines do not hold the others up") {
  FakeSink sink;
  ImportOptions options;
  options.by_time = true;
  const auto run = import(sink,
                          {input("a", {"{", occurrence(1, 10), "{", "{"}),
                           input("b", {occurrence(2, 5), "{", occurrence(3, 15)})},
                          options);
  CHECK(sink.stored == Strings{"t2", "t1", "t3"});
  CHECK(run.summary.refused == 4);
}

TEST_CASE("what was read before a fault is in, what follows is not") {
  FakeSink sink;
  const auto fault = make_error(ErrorCode::Corruption, "b.gz: cut short");
  const auto run = import(sink, {input("a", {occurrence(1)}), input("b", {occurrence(2)}, fault),
                                 input("c", {occurrence(3)})});
  REQUIRE(run.summary.failure);
  CHECK(run.summary.failure->message == "b.gz: cut short");
  CHECK(sink.stored == Strings{"t1", "t2"});
  CHECK(run.summary.stored == 2);
}

TEST_CASE("refusals come in the order of the lines, whatever is under way") {
  FakeSink sink;
  Strings lines;
  for (int i = 0; i < 5000; ++i) lines.push_back(i % 100 == 7 ? "{" : occurrence(i));
  std::vector<uint64_t> refused;
  ImportOptions options;
  options.on_refusal = [&](const Refusal& refusal) -> Result<void> {
    refused.push_back(refusal.line);
    return {};
  };
  const auto summary = import_messages(sink, {input("a", lines)}, options);
  CHECK(summary.stored == 4950);
  CHECK(sink.stored.size() == 4950);
  REQUIRE(refused.size() == 50);
  for (size_t i = 0; i < refused.size(); ++i) CHECK(refused[i] == i * 100 + 8);
}

TEST_CASE("a store that fails ends the import, and nothing behind it is stored") {
  FakeSink sink;
  sink.broken_at = 2;
  Strings lines;
  for (int i = 0; i < 20000; ++i) lines.push_back(occurrence(i));
  const auto run = import(sink, {input("a", lines)});
  REQUIRE(run.summary.failure);
  CHECK(run.summary.failure->code == ErrorCode::Exhausted);
  CHECK(run.summary.stored == sink.stored.size());
  CHECK(run.summary.stored < 20000);
  CHECK(run.summary.lsn == Lsn{sink.stored.size()});
}

TEST_CASE("a refusal that cannot be written ends the import") {
  FakeSink sink;
  ImportOptions options;
  options.on_refusal = [](const Refusal&) -> Result<void> {
    return make_error(ErrorCode::Exhausted, "no room for rejects");
  };
  const auto summary = import_messages(sink, {input("a", {"{", occurrence(1)})}, options);
  REQUIRE(summary.failure);
  CHECK(summary.failure->message == "no room for rejects");
}

TEST_CASE("after a refusal that could not be written no other one is") {
  FakeSink sink;
  Strings lines;
  for (int i = 0; i < 4000; ++i) lines.push_back(i % 10 == 0 ? "{" : occurrence(i));
  int told = 0;
  ImportOptions options;
  options.on_refusal = [&](const Refusal&) -> Result<void> {
    if (++told < 70) return {};
    return make_error(ErrorCode::Exhausted, "no room for rejects");
  };
  const auto summary = import_messages(sink, {input("a", lines)}, options);
  REQUIRE(summary.failure);
  CHECK(summary.failure->message == "no room for rejects");
  CHECK(told == 70);
}

TEST_CASE("a stop ends after the running batch") {
  FakeSink sink;
  std::atomic<bool> stop{false};
  ImportOptions options;
  options.stop = &stop;
  options.progress = [&](const client::ImportProgress&) { stop = true; };
  Strings lines;
  for (int i = 0; i < 20000; ++i) lines.push_back(occurrence(i));
  const auto run = import(sink, {input("a", lines)}, options);
  CHECK(run.summary.interrupted);
  CHECK(!run.summary.failure);
  CHECK(run.summary.stored > 0);
  CHECK(run.summary.stored < 20000);
  CHECK(run.summary.stored == sink.stored.size());
}

TEST_CASE("progress counts lines and input bytes") {
  FakeSink sink;
  std::vector<client::ImportProgress> seen;
  ImportOptions options;
  options.progress = [&](const client::ImportProgress& progress) { seen.push_back(progress); };
  (void)import(sink, {input("a", {occurrence(1)}), input("b", {occurrence(2)})}, options);
  REQUIRE(!seen.empty());
  CHECK(seen.back().lines == 2);
  CHECK(seen.back().bytes == 2);
  CHECK(seen.back().total_bytes == std::optional<uint64_t>(2));
}
