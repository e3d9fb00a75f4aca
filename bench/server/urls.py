from django.urls import path

from bench.server.views import bare
from config import urls as product

urlpatterns = [path("bench/bare", bare), *product.urlpatterns]

handler400 = product.handler400
handler403 = product.handler403
handler404 = product.handler404
handler500 = product.handler500
