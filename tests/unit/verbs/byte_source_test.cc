// Plain, gzip and zstd input: told by content, whole or damaged.
#include "verbs/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/temp_dir.h"

using namespace cairn;
using verbs::open_bytes;

namespace {

std::string gzip(std::string_view text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, 0);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), 0);
  const size_t size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
  REQUIRE(!ZSTD_isError(size));
  out.resize(size);
  return out;
}

// Text that does not shrink to nothing: a cut falls into the middle of it.
std::string noisy_text(size_t size) {
  std::string text;
  uint64_t state = 88172645463325252ull;
  while (text.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    text += std::to_string(state) + "\n";
  }
  text.resize(size);
  return text;
}

struct Outcome {
  std::string text;
  std::optional<Error> error;
};

class Files {
 public:
  std::string write(const std::string& name, std::string_view bytes) {
    const std::string path = dir_ / name;
    std::ofstream(path, std::ios::binary).write(bytes.data(), std::streamsize(bytes.size()));
    return path;
  }
  // Reads with a small buffer, so that every boundary is met.
  Outcome read(const std::string& path, size_t step = 997) {
    auto source = open_bytes(path);
    if (!source) return {{}, source.error()};
    Outcome outcome;
    std::vector<char> buffer(step);
    for (;;) {
      const auto got = (*source)->read(buffer);
      if (!got) {
        outcome.error = got.error();
        return outcome;
      }
      if (*got == 0) return outcome;
      outcome.text.append(buffer.data(), *got);
    }
  }
  const testing::TempDir& dir() const { return dir_; }

 private:
  testing::TempDir dir_;
};

}  // namespace

TEST_CASE("the content tells the format, not the name") {
  Files files;
  const std::string text = noisy_text(700'000);
  CHECK(files.read(files.write("plain.gz", text)).text == text);
  CHECK(files.read(files.write("gzip.jsonl", gzip(text))).text == text);
  CHECK(files.read(files.write("zstd.txt", zstd(text))).text == text);
  CHECK(files.read(files.write("empty.gz", "")).text.empty());
  CHECK(files.read(files.write("one", "x")).text == "x");
  CHECK(files.read(files.write("empty_inside", gzip(""))).text.empty());
}

TEST_CASE("members and frames in a row are one text") {
  Files files;
  const std::string a = noisy_text(300'000);
  const std::string b = "the end\n";
  const auto both = files.read(files.write("two.gz", gzip(a) + gzip("") + gzip(b)));
  CHECK(!both.error);
  CHECK(both.text == a + b);
  const auto padded = files.read(files.write("padded.gz", gzip(a) + std::string(512, '\0')));
  CHECK(!padded.error);
  CHECK(padded.text == a);
  const std::string skippable("\x52\x2a\x4d\x18\x04\x00\x00\x00note", 12);
  const auto frames = files.read(files.write("two.zst", skippable + zstd(a) + zstd(b)));
  CHECK(!frames.error);
  CHECK(frames.text == a + b);
}

TEST_CASE("a file that is cut short gives what it holds, then says so") {
  Files files;
  const std::string text = noisy_text(400'000);
  for (const auto& [name, whole] : {std::pair{"cut.gz", gzip(text)}, {"cut.zst", zstd(text)}}) {
    for (const size_t keep : {whole.size() - 1, whole.size() / 2, size_t{20}}) {
      const auto outcome = files.read(files.write(name, whole.substr(0, keep)));
      INFO(name << " cut to " << keep << " of " << whole.size());
      REQUIRE(outcome.error);
      CHECK(outcome.error->code == ErrorCode::Corruption);
      CHECK(outcome.error->message.find(name) != std::string::npos);
      CHECK(outcome.error->message.find("cut short") != std::string::npos);
      CHECK(text.starts_with(outcome.text));
    }
  }
}

TEST_CASE("damaged data is an error, never other text") {
  Files files;
  const std::string text = noisy_text(100'000);
  std::string flipped = gzip(text);
  flipped[flipped.size() / 2] ^= 0x40;
  const auto outcome = files.read(files.write("flipped.gz", flipped));
  REQUIRE(outcome.error);
  CHECK(outcome.error->code == ErrorCode::Corruption);
  std::string checksum = gzip(text);
  checksum[checksum.size() - 6] ^= 1;
  CHECK(files.read(files.write("checksum.gz", checksum)).error);
  const auto garbage = files.read(files.write("garbage.gz", gzip(text) + "more"));
  REQUIRE(garbage.error);
  CHECK(garbage.text == text);
  const auto no_frame = files.read(files.write("bad.zst", "\x28\xb5\x2f\xfd garbage garbage"));
  REQUIRE(no_frame.error);
  CHECK(no_frame.error->code == ErrorCode::Corruption);
}

TEST_CASE("paths that cannot be read are told apart") {
  Files files;
  const auto missing = verbs::check_readable(files.dir() / "none.jsonl");
  REQUIRE(!missing);
  CHECK(missing.error().code == ErrorCode::NotFound);
  CHECK(missing.error().message.find("none.jsonl") != std::string::npos);
  const auto directory = verbs::check_readable(files.dir().path());
  REQUIRE(!directory);
  CHECK(directory.error().code == ErrorCode::InvalidArgument);
  CHECK(directory.error().message.find("directory") != std::string::npos);
  const auto file = verbs::check_readable(files.write("five", "12345"));
  REQUIRE(file);
  CHECK(*file == std::optional<uint64_t>(5));
  CHECK(*verbs::check_readable("-") == std::nullopt);
}

TEST_CASE("waiting for a silent pipe reports idleness and can be stopped") {
  Files files;
  const std::string path = files.dir() / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::atomic<bool> stop{false};
  std::atomic<int> idle{0};
  const int writer = ::open(path.c_str(), O_RDWR);
  REQUIRE(writer >= 0);
  REQUIRE(::write(writer, "12345", 5) == 5);
  auto source = open_bytes(path, {&stop, [&] {
                                    if (++idle == 2) stop = true;
                                  }});
  REQUIRE(source);
  std::vector<char> buffer(100);
  CHECK(*(*source)->read(buffer) == 5);
  const auto stopped = (*source)->read(buffer);
  REQUIRE(!stopped);
  CHECK(stopped.error().code == ErrorCode::Closed);
  CHECK(idle == 2);
  ::close(writer);
}
