#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>

#include "base/file_system.h"
#include "support/temp_dir.h"

namespace cairn {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string read_text(const File& file, uint64_t offset, size_t length) {
  std::string text(length, '?');
  const auto read = file.read_at(offset, std::as_writable_bytes(std::span(text)));
  REQUIRE(read.ok());
  text.resize(*read);
  return text;
}

struct Fixture {
  testing::TempDir directory;
  std::unique_ptr<FileSystem> files = make_posix_file_system();
  std::string path(const std::string& name) const { return directory.path() + "/" + name; }
};

TEST_CASE_METHOD(Fixture, "bytes are written, read, cut and kept") {
  {
    auto file = files->open(path("f"), OpenMode::Create);
    REQUIRE(file.ok());
    REQUIRE((*file)->write_at(0, bytes_of("hello world")).ok());
    REQUIRE((*file)->write_at(6, bytes_of("there")).ok());
    REQUIRE((*file)->sync().ok());
    CHECK(read_text(**file, 0, 100) == "hello there");
    CHECK(read_text(**file, 6, 3) == "the");
    CHECK(read_text(**file, 11, 3).empty());
    CHECK(read_text(**file, 1000, 3).empty());
    REQUIRE((*file)->truncate(5).ok());
    CHECK(*(*file)->size() == 5);
    REQUIRE((*file)->write_at(7, bytes_of("!")).ok());
  }
  const auto file = files->open(path("f"), OpenMode::Read);
  REQUIRE(file.ok());
  CHECK(read_text(**file, 0, 100) == std::string("hello\0\0!", 8));
  CHECK((*file)->write_at(0, bytes_of("x")).error().code == ErrorCode::Io);
  CHECK(files->open(path("f"), OpenMode::ReadWrite).ok());
}

TEST_CASE_METHOD(Fixture, "reserved space reads as zero and never shrinks a file") {
  auto file = files->open(path("f"), OpenMode::Create);
  REQUIRE(file.ok());
  REQUIRE((*file)->write_at(0, bytes_of("abc")).ok());
  REQUIRE((*file)->allocate(100'000).ok());
  CHECK(*(*file)->size() == 100'000);
  CHECK(read_text(**file, 0, 6) == std::string("abc\0\0\0", 6));
  CHECK(read_text(**file, 99'999, 6) == std::string("\0", 1));
  REQUIRE((*file)->allocate(10).ok());
  CHECK(*(*file)->size() == 100'000);
}

TEST_CASE_METHOD(Fixture, "a private file is for its owner alone") {
  REQUIRE(files->open(path("secret"), OpenMode::CreatePrivate).ok());
  struct stat info {};
  REQUIRE(::stat(path("secret").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  const auto again = files->open(path("secret"), OpenMode::CreatePrivate);
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == ErrorCode::Conflict);
}

TEST_CASE_METHOD(Fixture, "errors name path, operation and cause") {
  const auto missing = files->open(path("none"), OpenMode::Read);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::NotFound);
  CHECK(missing.error().message == "cannot open " + path("none") + ": No such file or directory");

  REQUIRE(files->open(path("f"), OpenMode::Create).ok());
  CHECK(files->open(path("f"), OpenMode::Create).error().code == ErrorCode::Conflict);
  for (const OpenMode mode : {OpenMode::Read, OpenMode::ReadWrite}) {
    const auto opened = files->open(directory.path(), mode);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == ErrorCode::Io);
    CHECK(opened.error().message.find("directory") != std::string::npos);
  }
  REQUIRE(::mkfifo(path("pipe").c_str(), 0600) == 0);
  CHECK(files->open(path("pipe"), OpenMode::Read).error().code == ErrorCode::Io);
  CHECK(files->list(path("none")).error().code == ErrorCode::NotFound);
  CHECK(files->list(path("f")).error().code == ErrorCode::Io);
  CHECK(files->remove_file(path("none")).error().code == ErrorCode::NotFound);
  CHECK(files->rename(path("none"), path("g")).error().code == ErrorCode::NotFound);
  CHECK(files->make_directory(path("f")).error().code == ErrorCode::Io);
  CHECK(files->make_directory(path("f/g")).error().code == ErrorCode::Io);
  CHECK(files->sync_directory(path("none")).error().code == ErrorCode::NotFound);
}

// The file size limit stands in for a full disk: both end as Exhausted.
TEST_CASE_METHOD(Fixture, "a write over the file size limit is Exhausted") {
  auto file = files->open(path("f"), OpenMode::Create);
  REQUIRE(file.ok());
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old_limit) == 0);
  const rlimit limit{4096, old_limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  const std::string block(8192, 'b');
  const auto written = (*file)->write_at(0, bytes_of(block));
  const auto reserved = (*file)->allocate(1 << 20);
  ::setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  CHECK(written.error().code == ErrorCode::Exhausted);
  CHECK(reserved.error().code == ErrorCode::Exhausted);
}

TEST_CASE_METHOD(Fixture, "names are made, listed, renamed and removed") {
  REQUIRE(files->make_directory(path("a/b/c/")).ok());
  REQUIRE(files->make_directory(path("a/b")).ok());
  for (const char* name : {"z", "a", "m"}) {
    REQUIRE(files->open(path("a/b/") + name, OpenMode::Create).ok());
  }
  CHECK(*files->list(path("a/b")) == std::vector<std::string>{"a", "c", "m", "z"});
  REQUIRE(files->rename(path("a/b/z"), path("a/b/m")).ok());
  REQUIRE(files->remove_file(path("a/b/a")).ok());
  CHECK(*files->list(path("a/b")) == std::vector<std::string>{"c", "m"});
  CHECK(files->sync_directory(path("a/b")).ok());
  CHECK(*files->exists(path("a/b/m")));
  CHECK(*files->exists(path("a/b")));
  CHECK_FALSE(*files->exists(path("a/b/z")));
  CHECK_FALSE(*files->exists(path("a/b/m/below")));
}

TEST_CASE_METHOD(Fixture, "a lock excludes others until it is let go") {
  {
    const auto lock = files->lock(path("LOCK"));
    REQUIRE(lock.ok());
    const auto second = files->lock(path("LOCK"));
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == ErrorCode::Conflict);
    CHECK(second.error().message.find("pid " + std::to_string(::getpid())) != std::string::npos);
  }
  CHECK(files->lock(path("LOCK")).ok());
}

TEST_CASE_METHOD(Fixture, "the death of a process lets go of its lock") {
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = files->lock(path("LOCK"));
    const char state = lock.ok() ? 'y' : 'n';
    if (::write(ready[1], &state, 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char state = '?';
  REQUIRE(::read(ready[0], &state, 1) == 1);
  REQUIRE(state == 'y');
  const auto refused = files->lock(path("LOCK"));
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  ::close(ready[0]);
  ::close(ready[1]);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("pid " + std::to_string(child)) != std::string::npos);
  CHECK(files->lock(path("LOCK")).ok());
}

}  // namespace
}  // namespace cairn
