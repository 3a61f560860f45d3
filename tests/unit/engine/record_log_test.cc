#include "engine/record_log.h"

#include <catch2/catch.hpp>
#include <future>
#include <vector>

#include "support/forgetful_file_system.h"

using namespace cairn;
using namespace cairn::engine;
using testing::ForgetfulFileSystem;

namespace {

constexpr Uuid kStore{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

std::unique_ptr<RecordLog> open_log(ForgetfulFileSystem& files) {
  REQUIRE(files.make_directory("log").ok());
  auto writer = log::LogWriter::open(files, "log", kStore, {}, Lsn{}, nullptr);
  REQUIRE(writer.ok());
  return std::make_unique<RecordLog>(files, "log", kStore, std::move(writer).value());
}

std::vector<model::Record> frame() { return {model::Record{TimeUs{1}, "", {}, {}}}; }

// Keeps the log's thread in the answer of a first sync until it is released.
class Held {
 public:
  explicit Held(RecordLog& log) {
    log.append(frame());
    log.sync_later([this] {
      under_way_.set_value();
      go_on_.get_future().wait();
    });
    under_way_.get_future().wait();
  }
  void release() { go_on_.set_value(); }

 private:
  std::promise<void> under_way_;
  std::promise<void> go_on_;
};

}  // namespace

TEST_CASE("syncs that wait together are one, and are answered in order") {
  ForgetfulFileSystem files;
  const auto log = open_log(files);
  Held held(*log);
  const uint64_t before = files.calls();
  std::vector<int> answered;
  std::vector<uint64_t> calls;
  for (int n = 0; n < 4; ++n) {
    log->append(frame());
    log->sync_later([&, n] {
      answered.push_back(n);
      calls.push_back(files.calls());
    });
  }
  held.release();
  REQUIRE(log->settle().ok());
  CHECK(answered == std::vector<int>{0, 1, 2, 3});
  // Four writes and one sync, and nobody was answered before it.
  CHECK(calls == std::vector<uint64_t>(4, before + 5));
}

TEST_CASE("after a sync that failed nobody is answered") {
  ForgetfulFileSystem files;
  const auto log = open_log(files);
  Held held(*log);
  files.fail_call(files.calls() + 3, ErrorCode::Io);  // two writes, then the sync they share
  int answered = 0;
  for (int n = 0; n < 2; ++n) {
    log->append(frame());
    log->sync_later([&] { ++answered; });
  }
  held.release();
  CHECK_FALSE(log->settle().ok());
  CHECK(answered == 0);
  CHECK_FALSE(log->written().ok());
  log->sync_later([&] { ++answered; });
  CHECK_FALSE(log->sync().ok());
  CHECK(answered == 0);
}
