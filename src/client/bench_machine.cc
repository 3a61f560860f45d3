#include "client/bench_machine.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <numeric>

#include "base/file_system.h"

namespace cairn::client {
namespace {

constexpr size_t kMiB = 1u << 20;
constexpr size_t kBulkBytes = 256 * kMiB;

Result<void> measure_file(FileSystem& files, const std::string& path, int runs,
                          MachineLimits& limits) {
  CAIRN_TRY_ASSIGN(auto file, files.open(path, OpenMode::Create));
  const std::vector<std::byte> page(4096, std::byte{0x5a});
  uint64_t offset = 0;
  for (int i = 0; i < 200; ++i) {
    const double begin = seconds_now();
    CAIRN_TRY(file->write_at(offset, page));
    CAIRN_TRY(file->sync());
    limits.sync_us.values.push_back((seconds_now() - begin) * 1e6);
    offset += page.size();
  }
  const std::vector<std::byte> block(kMiB, std::byte{0x5a});
  for (int run = 0; run < runs; ++run) {
    CAIRN_TRY(file->truncate(0));
    CAIRN_TRY(file->sync());
    const double begin = seconds_now();
    for (size_t at = 0; at < kBulkBytes; at += block.size()) {
      CAIRN_TRY(file->write_at(at, block));
    }
    CAIRN_TRY(file->sync());
    limits.write_mb_s.values.push_back(kBulkBytes / 1e6 / (seconds_now() - begin));
  }
  return {};
}

}  // namespace

double Measure::min() const { return *std::min_element(values.begin(), values.end()); }
double Measure::max() const { return *std::max_element(values.begin(), values.end()); }
double Measure::median() const {
  std::vector<double> sorted = values;
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

Result<MachineLimits> measure_machine(const std::string& directory, int runs) {
  MachineLimits limits;
  limits.sync_us = {"machine: append 4 KiB + fdatasync", "us", {}};
  limits.write_mb_s = {"machine: sequential write", "MB/s", {}};
  limits.memory_gb_s = {"machine: memory read, one thread", "GB/s", {}};
  const auto files = make_posix_file_system();
  const std::string path = directory + "/machine";
  CAIRN_TRY(measure_file(*files, path, runs, limits));
  CAIRN_TRY(files->remove_file(path));
  std::vector<uint64_t> words(kBulkBytes / sizeof(uint64_t), 1);
  for (int run = 0; run < runs + 1; ++run) {
    const double begin = seconds_now();
    const uint64_t sum = std::accumulate(words.begin(), words.end(), uint64_t{0});
    const double took = seconds_now() - begin;
    words[static_cast<size_t>(run)] = sum;  // so that the sum is needed
    if (run > 0) limits.memory_gb_s.values.push_back(kBulkBytes / 1e9 / took);
  }
  return limits;
}

uint64_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "VmHWM:") continue;
    uint64_t kib = 0;
    status >> kib;
    return kib * 1024;
  }
  return 0;
}

void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << '5'; }

}  // namespace cairn::client
