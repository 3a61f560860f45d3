#include "support/real_data.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <stdexcept>

namespace cairn::testing {

std::string shared_directory() {
  const char* named = std::getenv("CAIRN_SHARED");
  return named != nullptr ? named : "";
}

std::vector<std::string> real_files(const std::vector<std::string>& folders) {
  std::vector<std::string> paths;
  for (const std::string& folder : folders) {
    const auto directory = std::filesystem::path(shared_directory()) / "data" / folder;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error))
      if (entry.path().string().ends_with(".jsonl.gz")) paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  if (paths.empty())
    std::cout << "skipped: no real data in '" << shared_directory() << "' (set CAIRN_SHARED)\n";
  return paths;
}

void for_each_line(const std::string& path, const std::function<void(std::string_view)>& each) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw std::runtime_error("cannot open " + path);
  std::string pending;
  std::array<char, 1 << 16> block;
  for (;;) {
    const int got = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()));
    if (got < 0) throw std::runtime_error("cannot read " + path);
    if (got == 0) break;
    pending.append(block.data(), static_cast<size_t>(got));
    size_t begin = 0;
    for (size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1)
      each(std::string_view(pending).substr(begin, end - begin));
    pending.erase(0, begin);
  }
  if (!pending.empty()) each(pending);
}

}  // namespace cairn::testing
