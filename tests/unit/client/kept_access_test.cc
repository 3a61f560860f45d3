#include "client/kept_access.h"

#include <catch2/catch.hpp>

#include "model/message.h"
#include "support/temp_dir.h"

namespace cairn::client {
namespace {

using cairn::testing::TempDir;

void add(engine::Store& store, int number) {
  model::Occurrence occurrence;
  occurrence.id.bytes[0] = static_cast<uint8_t>(number);
  occurrence.project = ProjectId{1};
  occurrence.fingerprint = {"f"};
  occurrence.type = 1;
  occurrence.event = "{}";
  std::vector<model::Message> messages;
  messages.emplace_back(std::move(occurrence));
  const auto done = store.submit(std::move(messages), {});
  REQUIRE(done.ok());
  REQUIRE(done->items.front().outcome == engine::Outcome::Stored);
}

void write(KeptAccess& access, const std::string& directory, int number) {
  engine::OpenReport report;
  auto writing = access.open_writing(directory, {.create = true}, report);
  REQUIRE(writing.ok());
  add(**writing, number);
  REQUIRE(writing->finish().ok());
}

Lsn seen(KeptAccess& access, const std::string& directory) {
  const auto store = access.open(directory);
  REQUIRE(store.ok());
  const auto snapshot = (*store)->snapshot();
  REQUIRE(snapshot.ok());
  return (*snapshot)->lsn();
}

}  // namespace

TEST_CASE("kept_access: stays open until something was written") {
  const TempDir dir;
  const std::string directory = dir.path() + "/store";
  KeptAccess access(directory);
  CHECK_FALSE(access.open(directory).ok());
  write(access, directory, 1);
  const Lsn first = seen(access, directory);
  const engine::Store* before = access.open(directory)->get();
  CHECK(access.open(directory)->get() == before);

  write(access, directory, 2);  // by this process
  CHECK(raw(seen(access, directory)) == raw(first) + 1);

  const auto past = access.open_as_of(directory, {first, std::nullopt}, nullptr);
  REQUIRE(past.ok());
  CHECK((*(*past)->snapshot())->lsn() == first);
}

TEST_CASE("kept_access: another store is opened for its own") {
  const TempDir dir;
  KeptAccess access(dir.path() + "/one");
  write(access, dir.path() + "/one", 1);
  write(access, dir.path() + "/other", 1);
  CHECK(seen(access, dir.path() + "/other") == seen(access, dir.path() + "/one"));
}

}  // namespace cairn::client
