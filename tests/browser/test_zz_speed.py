from tests.browser.desk import *
from playwright.sync_api import expect
import statistics
def test_speed(open_page):
    for make, keys in ((comparing_round, ["ArrowLeft"]), (scoring_round, ["2","y"])):
        desk = sit(open_page, make(items=30, systems=2))
        desk.page.evaluate("""() => { window.times=[]; let t=0;
          document.addEventListener('keydown', e => { if (e.key==='Enter') t=performance.now(); }, true);
          new MutationObserver(() => requestAnimationFrame(() => { const c=new MessageChannel(); c.port1.onmessage=()=>window.times.push(performance.now()-t); c.port2.postMessage(0); })).observe(document.querySelector('[data-rate]'), {childList:true}); }""")
        for _ in range(20):
            desk.judge(*keys)
        times = desk.page.evaluate("window.times")
        print(make.__name__, "median", statistics.median(times), "max", max(times), len(times))
    import gzip
    html = desk.page.request.get(f"/rate/{desk.round.public_id}/").body()
    frag = desk.page.request.get(f"/rate/{desk.round.public_id}/", headers={"X-Rate":"1"}).body()
    print("page", len(gzip.compress(html)), "fragment", len(gzip.compress(frag)))
