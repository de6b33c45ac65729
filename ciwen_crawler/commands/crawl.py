"""`scrapy crawl`: Scrapy's own, but for how it ends."""

from argparse import Namespace

from scrapy.commands import crawl
from scrapy.crawler import AsyncCrawlerProcess

from ciwen_crawler.crawling import result_of
from ciwen_crawler.errors import CiwenError
from ciwen_crawler.log import keep_secrets
from ciwen_crawler.notice import notify


class Command(crawl.Command):
    """Exits with the code of the run's result. Why a run could not begin is told in one line, and is no traceback."""

    def run(self, args: list[str], opts: Namespace) -> None:
        """As Scrapy's."""
        if len(args) != 1 or not isinstance(self.crawler_process, AsyncCrawlerProcess):
            super().run(args, opts)
            return
        keep_secrets()
        crawler = self._create_crawler(args[0])
        task = self.crawler_process.crawl(crawler, **opts.spargs)
        self.crawler_process.start()
        try:
            self.exitcode, _, lines, _ = result_of(crawler, task)
        except CiwenError as error:
            self.exitcode, lines = error.exit_code, (str(error),)
        except KeyboardInterrupt:
            self.exitcode, lines = 130, ("interrupted",)
        for line in lines:
            notify(line)
