// Phases in processes of their own: results, errors, death, and being killed on purpose.
#include "client/bench_process.h"

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <vector>

using namespace cairn;
using namespace cairn::client;

TEST_CASE("a phase reports measures, texts and progress") {
  std::vector<std::string> said;
  PhaseWatch watch;
  watch.say = [&](const std::string& what) { said.push_back(what); };
  const auto report = run_phase(
      [](PhaseOutput& out) -> Result<void> {
        out.say("working\non it");
        out.add(Measure{"time", "us", {1.5, -2, 1e300, 0.1}});
        out.add("bare", "", 7);
        out.text("first | second");
        out.progress(41);
        out.progress(42);
        return {};
      },
      watch);
  REQUIRE(report.ok());
  CHECK(said == std::vector<std::string>{"working on it"});
  REQUIRE(report->measures.size() == 2);
  CHECK(report->measures[0].name == "time");
  CHECK(report->measures[0].unit == "us");
  CHECK(report->measures[0].values == std::vector<double>{1.5, -2, 1e300, 0.1});
  CHECK(report->measures[1].values == std::vector<double>{7});
  CHECK(report->texts == std::vector<std::string>{"first | second"});
  CHECK(report->progress == 42);
  CHECK(!report->killed);
}

TEST_CASE("more than a pipe holds comes through") {
  const auto report = run_phase(
      [](PhaseOutput& out) -> Result<void> {
        out.add(Measure{"many", "", std::vector<double>(100'000, 0.25)});
        return {};
      },
      {});
  REQUIRE(report.ok());
  CHECK(report->measures[0].values.size() == 100'000);
}

TEST_CASE("an error of a phase is the caller's") {
  const auto report = run_phase(
      [](PhaseOutput&) -> Result<void> {
        return make_error(ErrorCode::Exhausted, "no space\tleft\nat all");
      },
      {});
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().code == ErrorCode::Exhausted);
  CHECK(report.error().message == "no space left at all");
}

TEST_CASE("a phase that dies is no success") {
  const auto killed = run_phase(
      [](PhaseOutput&) -> Result<void> {
        ::kill(::getpid(), SIGKILL);
        return {};
      },
      {});
  REQUIRE_FALSE(killed.ok());
  CHECK(killed.error().message.find("signal 9") != std::string::npos);
  const auto gone = run_phase([](PhaseOutput&) -> Result<void> { ::_exit(0); }, {});
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().code == ErrorCode::Internal);
}

TEST_CASE("a phase is killed at the progress asked for, or when it is to stop") {
  const auto forever = [](PhaseOutput& out) -> Result<void> {
    for (uint64_t n = 1;; ++n) {
      out.progress(n);
      ::usleep(1000);
    }
  };
  PhaseWatch watch;
  watch.kill_at = 5;
  const auto report = run_phase(forever, watch);
  REQUIRE(report.ok());
  CHECK(report->killed);
  CHECK(report->progress >= 5);
  const std::atomic<bool> stop{true};
  watch = {};
  watch.stop = &stop;
  const auto stopped = run_phase(forever, watch);
  REQUIRE_FALSE(stopped.ok());
  CHECK(stopped.error().code == ErrorCode::Closed);
}
